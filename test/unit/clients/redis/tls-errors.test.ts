import { expect, test } from 'vitest';
import { dialFailure } from '../../../../src/clients/redis/tls-errors.ts';

const error = (code: string, message = 'words'): Error => Object.assign(new Error(message), { code });
const tls = { tls: true, answered: false };
const plain = { tls: false, answered: false };

test.each([
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /redis\.tls\.caFile/],
  ['SELF_SIGNED_CERT_IN_CHAIN', /redis\.tls\.caFile/],
  ['CERT_NOT_YET_VALID', /clocks/],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', /does not trust our certificate/],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', /our certificate has expired/],
  ['ERR_SSL_WRONG_VERSION_NUMBER', /does not speak TLS on this port/],
])('%s is put into words, and its own are kept', (code, expected) => {
  expect(dialFailure(error(code), tls)).toMatch(expected);
  expect(dialFailure(error(code), tls)).toContain('(words)');
});

test('whoever hangs up on a plain connection without a word may have wanted TLS; later, it has other reasons', () => {
  expect(dialFailure(error('ECONNRESET', 'read ECONNRESET'), plain)).toContain('use rediss://');
  expect(dialFailure(error('ECONNRESET', 'read ECONNRESET'), { ...plain, answered: true })).toBe('read ECONNRESET');
});

test('any other failure keeps its words, or at least its code', () => {
  expect(dialFailure(error('ECONNREFUSED', 'connect ECONNREFUSED'), plain)).toBe('connect ECONNREFUSED');
  expect(dialFailure(Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }), tls)).toBe('ECONNREFUSED');
  expect(dialFailure('gone', plain)).toBe('gone');
});
