import { messageOf } from '../../core/errors.ts';

/** Node's and OpenSSL's codes, in the operator's words: what is wrong, and what to do. */
const MEANINGS: readonly (readonly [codes: RegExp, meaning: string])[] = [
  [
    /^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT|UNABLE_TO_GET_ISSUER_CERT_LOCALLY|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT)$/,
    'nobody that we trust vouches for its certificate: give the authority that signed it as redis.tls.caFile',
  ],
  [
    /^CERT_SIGNATURE_FAILURE$/,
    'its certificate was signed by another authority of the same name: give the right one as redis.tls.caFile',
  ],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    'its certificate is for another name: dial that name, or give it as redis.tls.serverName',
  ],
  [/^CERT_HAS_EXPIRED$/, 'its certificate, or one that vouches for it, has expired: renew it'],
  [/^CERT_NOT_YET_VALID$/, 'its certificate is not valid yet: look at the clocks of both machines'],
  [
    /^ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED$|ALERT_HANDSHAKE_FAILURE$/,
    'it wants a certificate of ours: give redis.tls.certFile and keyFile',
  ],
  [
    /ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|DECRYPT_ERROR)$/,
    'it does not trust our certificate: the authority that signed redis.tls.certFile must be among those it knows',
  ],
  [/ALERT_CERTIFICATE_EXPIRED$/, 'our certificate has expired: renew redis.tls.certFile'],
  [
    /WRONG_VERSION_NUMBER$|PACKET_LENGTH_TOO_LONG$|UNEXPECTED_MESSAGE$/,
    'it does not speak TLS on this port: use redis:// without redis.tls, or its TLS port',
  ],
];

const PLAIN_TO_TLS = 'it hung up before it had said anything: if this is its TLS port, use rediss://';
const TLS_TO_PLAIN = 'it did not answer the TLS handshake: if it speaks no TLS on this port, use redis://';

export interface DialAttempt {
  /** Whether TLS was tried. */
  readonly tls: boolean;
  /** Whether anything came back. */
  readonly answered: boolean;
}

/** Why an attempt to connect failed, with what to do where that is known. */
export const dialFailure = (error: unknown, { tls, answered }: DialAttempt): string => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const message = messageOf(error);
  const meaning = MEANINGS.find(([codes]) => codes.test(code))?.[1];
  if (meaning !== undefined) return `${meaning} (${message})`;
  // An attempt on several addresses fails with an AggregateError, whose message is empty.
  return hungUp(code, message, { tls, answered }) ?? (message === '' ? code : message);
};

const hungUp = (code: string, message: string, { tls, answered }: DialAttempt): string | undefined => {
  // A Redis that takes our TLS for a command waits for the end of its line.
  if (tls && (code === 'ETIMEDOUT' || message.includes('before secure TLS connection'))) return TLS_TO_PLAIN;
  const dropped = code === 'ECONNRESET' || code === 'EPIPE' || message.endsWith('Connection is closed.');
  return dropped && !tls && !answered ? PLAIN_TO_TLS : undefined;
};
