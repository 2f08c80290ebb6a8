/**
 * `keyferry/client`: for applications. A producer writes to Redis through a running Keyferry and learns when Kafka has the
 * change; a consumer reads the topics that Keyferry writes.
 */
export {
  type Consumer,
  type ConsumerOptions,
  type ConsumedBatch,
  type RunOptions,
  createConsumer,
} from './consumer.ts';
export type { ConsumedRecord, EntryRecord, ItemRecord, KeyRecord, UnreadableRecord } from './consumed-record.ts';
export type { RedisOptions } from './current-keys.ts';
export { type CallOptions, type Producer, type ProducerOptions, type SetOptions, createProducer } from './producer.ts';
export {
  type Applied,
  CommandError,
  ProducerError,
  type ProducerErrorCode,
  UnconfirmedError,
} from './producer-error.ts';
export type { BytesReply, TextReply, WrittenRecord, Written } from './rest-answer.ts';
export type { Argument, Command } from './rest-request.ts';
export type { RawState, ScoredMember, Snapshot, State, StreamStateEntry } from './state.ts';
export { type ErrorCode, KeyferryError } from '../core/errors.ts';
export type { Place } from '../core/place.ts';
