import { isKeyferryError, KeyferryError } from '../../../core/errors.ts';
import type { Exchange } from './exchange.ts';
import type { TokenSource } from './token-source.ts';

/** RFC 7628. @throws KF_KAFKA_AUTH, and whatever the source of tokens or the exchange throws */
export const authenticateOauthBearer = async (tokens: TokenSource, exchange: Exchange): Promise<void> => {
  const token = await tokens.token();
  try {
    const answer = await exchange(Buffer.from(`n,,\x01auth=Bearer ${token}\x01\x01`));
    if (answer.length === 0) return;
    // A refusal comes as a challenge, without an error; the broker says no once we have acknowledged it.
    await exchange(Buffer.from('\x01')).catch(() => undefined);
    throw new KeyferryError('KF_KAFKA_AUTH', `the broker refuses the token (${statusOf(answer)}): ${ADVICE}`);
  } catch (error) {
    // Keys may have changed, or the token was revoked: another one may do.
    if (isKeyferryError(error, 'KF_KAFKA_AUTH')) tokens.forget();
    throw error;
  }
};

const ADVICE = 'compare its issuer, audience, scope and signing key with what the broker expects';

const statusOf = (challenge: Buffer): string => {
  try {
    const { status } = JSON.parse(challenge.toString()) as { readonly status?: unknown };
    return typeof status === 'string' ? status : 'no reason given';
  } catch {
    return 'no reason given';
  }
};
