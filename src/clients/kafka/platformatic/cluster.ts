import {
  Base,
  protocolErrors,
  protocolErrorsCodesById,
  type BaseOptions,
  type Broker,
  type ClusterMetadata,
  type ClusterPartitionMetadata,
  type Connection,
  type Reader,
  type Writer,
} from '@platformatic/kafka';

import { KeyferryError, type ErrorCode } from '../../../core/errors.ts';
import { ASKS } from '../asks.ts';
import type { DriverOptions } from '../driver-options.ts';
import { brokerErrorCode } from '../kafka-errors.ts';
import { ConnectionWatch } from './connection-watch.ts';
import { fromPlatformatic } from './errors.ts';
import { securityOptions } from './security.ts';

/** After this long without an answer the connection is given up. */
const REQUEST_TIMEOUT_MS = 7_000;
const CONNECT_TIMEOUT_MS = 3_000;
const METADATA_MAX_AGE_MS = 30_000;

/** What every client of the library is made with. No retries inside: each of ours knows what it may repeat. */
export const libraryOptions = (options: DriverOptions): BaseOptions & { requestTimeout: number } => ({
  ...securityOptions(options),
  clientId: options.clientId,
  bootstrapBrokers: [...options.brokers],
  connectTimeout: CONNECT_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  metadataMaxAge: METADATA_MAX_AGE_MS,
  retries: 0,
  autocreateTopics: false,
});

/** A request in our own encoding, of a version before tagged fields. */
export interface WireRequest<Response> {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly write: () => Writer;
  readonly read: (reader: Reader) => Response;
}

/** A broker's error code in Kafka's word and in ours. */
export const brokerError = (code: number): { readonly name: string; readonly code: ErrorCode } => {
  const name = protocolErrorsCodesById[code] ?? `error ${code}`;
  return { name, code: brokerErrorCode(name, protocolErrors[name]?.canRetry === true) };
};

/**
 * The brokers as one role sees them (a producer, a reader, a group member): each role has connections of its own, so
 * that none waits behind another's long poll. Rejects with the library's errors.
 */
export class Cluster {
  readonly #base: Base;
  readonly #watch: ConnectionWatch;

  constructor(options: DriverOptions, requestTimeout = REQUEST_TIMEOUT_MS) {
    this.#base = new Base({ ...libraryOptions(options), requestTimeout });
    this.#watch = new ConnectionWatch(this.#base.connections);
  }

  /** Asks a broker, whatever is known already. */
  async refresh(topics: readonly string[]): Promise<void> {
    await this.#watch.explained(this.#base.metadata({ topics: [...topics], forceUpdate: true, retries: 0 }));
  }

  /** By partition index. @throws KF_KAFKA_TOPIC_MISSING, KF_KAFKA_PERMISSION, or the library's errors */
  async partitions(topic: string): Promise<readonly ClusterPartitionMetadata[]> {
    const metadata = await this.#metadata([topic]).catch((thrown: unknown) => {
      const error = fromPlatformatic(thrown, ASKS.findTopic(topic));
      throw error.code === 'KF_KAFKA_PERMISSION' ? error : thrown;
    });
    const partitions = metadata.topics.get(topic)?.partitions;
    if (partitions === undefined) throw new KeyferryError('KF_KAFKA_TOPIC_MISSING', `topic ${topic} does not exist`);
    return partitions;
  }

  /** @param node a broker's id, as the metadata names it. */
  async connection(node: number): Promise<Connection> {
    const { brokers } = await this.#metadata([]);
    return this.#watch.explained(this.#base.connections.get(brokers.get(node) as Broker));
  }

  async anyConnection(): Promise<Connection> {
    const { brokers } = await this.#metadata([]);
    return this.#watch.explained(this.#base.connections.getFirstAvailable([...brokers.values()]));
  }

  async request<Response>(node: number, { apiKey, apiVersion, write, read }: WireRequest<Response>): Promise<Response> {
    const connection = await this.connection(node);
    const answer = new Promise<Response>((resolve, reject) => {
      const parse = (_correlationId: number, _key: number, _version: number, reader: Reader): Response => read(reader);
      connection.send(apiKey, apiVersion, write, parse, false, false, (error, response) => {
        if (error === null) resolve(response as Response);
        else reject(error);
      });
    });
    return this.#watch.explained(answer);
  }

  async close(): Promise<void> {
    await this.#base.close();
  }

  #metadata(topics: string[]): Promise<ClusterMetadata> {
    return this.#watch.explained(this.#base.metadata({ topics, retries: 0 }));
  }
}
