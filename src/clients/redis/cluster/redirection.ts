import { isKeyferryError } from '../../../core/errors.ts';
import { type RedisAddress, parseAddress } from '../address.ts';

/** Where a node sends us on to. */
export interface Redirection {
  /** Of the key that led to it. */
  readonly slot: number;
  readonly address: RedisAddress;
  /** The slot is still on its way there: this once only, and after ASKING. */
  readonly asking: boolean;
}

/**
 * The redirection among the replies of commands that went together.
 * @param from who answered: a redirection without a host leads to another port there.
 */
export const redirectionIn = (replies: readonly unknown[], from: RedisAddress): Redirection | undefined => {
  for (const reply of replies) {
    if (!isKeyferryError(reply, 'KF_REDIS_UNAVAILABLE')) continue;
    const [, kind, slot, place = ''] = /: (MOVED|ASK) (\d+) (\S*:\d+)$/.exec(reply.message) ?? [];
    if (kind === undefined) continue;
    const { host, port } = parseAddress(place);
    return { slot: Number(slot), address: { host: host === '' ? from.host : host, port }, asking: kind === 'ASK' };
  }
  return undefined;
};
