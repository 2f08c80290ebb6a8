import kafkajs from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { ASKS } from '../../../../src/clients/kafka/asks.ts';
import { brokerErrorsIn, fromKafkajs } from '../../../../src/clients/kafka/kafkajs/errors.ts';
import { KeyferryError, type ErrorCode } from '../../../../src/core/errors.ts';

const SEND = ASKS.send(['orders']);
const protocol = (type: string, retriable = false): Error =>
  new kafkajs.KafkaJSProtocolError(Object.assign(new Error(`Kafka says ${type}`), { type, code: 1, retriable }));
/** Their types deny the message that they all take. */
const made = (type: unknown, message: string): Error => new (type as new (message: string) => Error)(message);
const gaveUp = (cause: Error): Error =>
  new kafkajs.KafkaJSNumberOfRetriesExceeded(cause, { retryCount: 1, retryTime: 300 });
const connection = (code?: string): Error =>
  new kafkajs.KafkaJSConnectionError('Connection error', { code: code ?? '' });

const table: readonly (readonly [what: string, thrown: unknown, code: ErrorCode])[] = [
  ['a refused connection', connection('ECONNREFUSED'), 'KF_KAFKA_UNAVAILABLE'],
  ['a refused connection after retries', gaveUp(connection('ECONNREFUSED')), 'KF_KAFKA_UNAVAILABLE'],
  ['a closed connection', new kafkajs.KafkaJSConnectionError('Closed connection'), 'KF_KAFKA_UNAVAILABLE'],
  ['a moved leader', gaveUp(protocol('NOT_LEADER_FOR_PARTITION', true)), 'KF_KAFKA_UNAVAILABLE'],
  ['no broker', made(kafkajs.KafkaJSBrokerNotFound, 'not found'), 'KF_KAFKA_UNAVAILABLE'],
  ['no metadata', made(kafkajs.KafkaJSMetadataNotLoaded, 'not loaded'), 'KF_KAFKA_UNAVAILABLE'],
  ['no coordinator', made(kafkajs.KafkaJSGroupCoordinatorNotFound, 'not found'), 'KF_KAFKA_UNAVAILABLE'],
  ['a lost sequence', protocol('OUT_OF_ORDER_SEQUENCE_NUMBER'), 'KF_KAFKA_UNAVAILABLE'],
  ['a disconnected producer', new kafkajs.KafkaJSError('The producer is disconnected'), 'KF_KAFKA_UNAVAILABLE'],
  ['a large message', gaveUp(protocol('MESSAGE_TOO_LARGE')), 'KF_KAFKA_RECORD_TOO_LARGE'],
  ['a large batch', protocol('RECORD_LIST_TOO_LARGE'), 'KF_KAFKA_RECORD_TOO_LARGE'],
  ['an unknown topic', gaveUp(protocol('UNKNOWN_TOPIC_OR_PARTITION', true)), 'KF_KAFKA_TOPIC_MISSING'],
  ['wrong credentials', made(kafkajs.KafkaJSSASLAuthenticationError, 'no'), 'KF_KAFKA_AUTH'],
  ['a missing permission', protocol('TOPIC_AUTHORIZATION_FAILED'), 'KF_KAFKA_PERMISSION'],
  ['a bundle', new kafkajs.KafkaJSAggregateError('several', [protocol('INVALID_CONFIG')]), 'KF_KAFKA_REFUSED'],
  ['a bug', new TypeError('x is not a function'), 'KF_KAFKA_REFUSED'],
  ['a thrown string', 'boom', 'KF_KAFKA_REFUSED'],
  ['nothing at all', undefined, 'KF_KAFKA_REFUSED'],
];

describe('errors of kafkajs', () => {
  it.each(table)('%s', (_, thrown, code) => {
    const error = fromKafkajs(thrown, SEND);
    expect(error).toBeInstanceOf(KeyferryError);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(/^send to orders: ./);
  });

  it("names the broker's errors in a failure", () => {
    expect(brokerErrorsIn(gaveUp(protocol('UNKNOWN_PRODUCER_ID')))).toContain('UNKNOWN_PRODUCER_ID');
    expect(brokerErrorsIn('boom')).toEqual([]);
  });
});
