import * as library from '@platformatic/kafka';
import { describe, expect, it } from 'vitest';
import { ASKS } from '../../../../src/clients/kafka/asks.ts';
import { fromPlatformatic } from '../../../../src/clients/kafka/platformatic/errors.ts';
import { KeyferryError, type ErrorCode } from '../../../../src/core/errors.ts';

const SEND = ASKS.send(['orders']);
const { AuthenticationError, MultipleErrors, NetworkError, ProtocolError, TimeoutError, UserError } = library;
const system = (code: string): Error => Object.assign(new Error(`connect ${code}`), { code });
const response = (...codes: number[]): Error =>
  new library.ResponseError(0, 7, Object.fromEntries(codes.map((code, at) => [`/p/${at}`, [code, null]])), {});

const table: readonly (readonly [what: string, thrown: unknown, code: ErrorCode])[] = [
  ['a refused connection', new NetworkError('failed', { cause: system('ECONNREFUSED') }), 'KF_KAFKA_UNAVAILABLE'],
  ['an unknown host', system('ENOTFOUND'), 'KF_KAFKA_UNAVAILABLE'],
  ['a timeout', new TimeoutError('Request timed out'), 'KF_KAFKA_UNAVAILABLE'],
  [
    'no broker left',
    new MultipleErrors('none', [new NetworkError('a'), new NetworkError('b')]),
    'KF_KAFKA_UNAVAILABLE',
  ],
  ['a moved leader', new ProtocolError('NOT_LEADER_OR_FOLLOWER'), 'KF_KAFKA_UNAVAILABLE'],
  ['too few replicas', response(19), 'KF_KAFKA_UNAVAILABLE'],
  ['a lost sequence', new ProtocolError('OUT_OF_ORDER_SEQUENCE_NUMBER'), 'KF_KAFKA_UNAVAILABLE'],
  ['a rebalance', new ProtocolError('REBALANCE_IN_PROGRESS'), 'KF_KAFKA_UNAVAILABLE'],
  ['a coordinator that loads', new ProtocolError('COORDINATOR_LOAD_IN_PROGRESS'), 'KF_KAFKA_UNAVAILABLE'],
  ['a client closed meanwhile', new UserError('Client closed while retrying metadata.'), 'KF_KAFKA_UNAVAILABLE'],
  ['a large message', response(10), 'KF_KAFKA_RECORD_TOO_LARGE'],
  ['a large batch', new ProtocolError('RECORD_LIST_TOO_LARGE'), 'KF_KAFKA_RECORD_TOO_LARGE'],
  ['a large one among moved leaders', response(6, 10), 'KF_KAFKA_RECORD_TOO_LARGE'],
  ['an unknown topic', new UserError('Unknown topic orders.'), 'KF_KAFKA_TOPIC_MISSING'],
  ['an unknown partition', response(3), 'KF_KAFKA_TOPIC_MISSING'],
  ['an unknown topic beside a network failure', response(3, 13), 'KF_KAFKA_UNAVAILABLE'],
  ['wrong credentials', new NetworkError('failed', { cause: new AuthenticationError('no') }), 'KF_KAFKA_AUTH'],
  [
    'a login that the network cut',
    new AuthenticationError('SASL failed', { cause: new NetworkError('closed') }),
    'KF_KAFKA_UNAVAILABLE',
  ],
  [
    'a broker that went away during the handshake',
    new NetworkError('failed', { cause: new UserError('TLS handshake failed.', { cause: system('ECONNRESET') }) }),
    'KF_KAFKA_UNAVAILABLE',
  ],
  ['a broker that wants TLS', new UserError('Broker requires TLS.'), 'KF_KAFKA_AUTH'],
  [
    'a certificate nobody knows',
    new NetworkError('failed', { cause: system('SELF_SIGNED_CERT_IN_CHAIN') }),
    'KF_KAFKA_AUTH',
  ],
  ['a missing permission', new ProtocolError('TOPIC_AUTHORIZATION_FAILED'), 'KF_KAFKA_PERMISSION'],
  ['a bad configuration', response(40), 'KF_KAFKA_REFUSED'],
  ['a bug', new TypeError('x is not a function'), 'KF_KAFKA_REFUSED'],
  ['a thrown string', 'boom', 'KF_KAFKA_REFUSED'],
  ['nothing at all', undefined, 'KF_KAFKA_REFUSED'],
];

describe('errors of @platformatic/kafka', () => {
  it.each(table)('%s', (_, thrown, code) => {
    const error = fromPlatformatic(thrown, SEND);
    expect(error).toBeInstanceOf(KeyferryError);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(/^send to orders: ./);
    expect(error.cause).toBe(thrown);
  });

  it('gives every error that Kafka has a code', () => {
    for (const name of Object.keys(library.protocolErrors)) {
      expect(fromPlatformatic(new ProtocolError(name), SEND).code, name).toMatch(/^KF_KAFKA_/);
    }
  });

  it('leaves our own errors as they are, and lets one inside a bundle decide', () => {
    const ours = new KeyferryError('KF_KAFKA_RECORD_TOO_LARGE', 'too large');
    expect(fromPlatformatic(ours, SEND)).toBe(ours);
    expect(fromPlatformatic(new AggregateError([new NetworkError('a'), ours]), SEND).code).toBe(ours.code);
  });

  it('names the permission that is missing, by resource', () => {
    const denied = (name: string): Error => new NetworkError('x', { cause: new ProtocolError(name) });
    const consume = ASKS.consume('readers', ['a', 'b'], 'join');
    expect(fromPlatformatic(denied('GROUP_AUTHORIZATION_FAILED'), consume).message).toBe(
      'join group readers: GROUP_AUTHORIZATION_FAILED: grant Read on group readers (docs/kafka-security.md)',
    );
    expect(fromPlatformatic(denied('TOPIC_AUTHORIZATION_FAILED'), consume).message).toContain(
      'grant Read on topics a, b',
    );
    expect(fromPlatformatic(denied('CLUSTER_AUTHORIZATION_FAILED'), SEND).message).toContain(
      'grant Write on topic orders',
    );
  });

  it.each([
    ['CERT_HAS_EXPIRED', /has expired: renew it/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /CA that is not known here.*kafka\.tls\.caFile/],
    ['SELF_SIGNED_CERT_IN_CHAIN', /CA that is not known here/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /another host name.*kafka\.tls\.serverName/],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', /client certificate, or misses one/],
    ['ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', /client certificate, or misses one/],
    ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', /refuses our client certificate/],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', /refuses our client certificate/],
    ['ERR_SSL_WRONG_VERSION_NUMBER', /does not speak TLS on this port/],
  ])('says what %s means', (code, words) => {
    const error = fromPlatformatic(new NetworkError('failed', { cause: system(code) }), SEND);
    expect(error.code).toBe('KF_KAFKA_AUTH');
    expect(error.message).toMatch(words);
    expect(error.message).toContain(code);
  });

  it('tells the words at the end of the chain', () => {
    const bundled = new MultipleErrors('produce failed 3 times.', [new NetworkError('x', { cause: system('EPIPE') })]);
    expect(fromPlatformatic(bundled, SEND).message).toBe('send to orders: connect EPIPE');
  });
});
