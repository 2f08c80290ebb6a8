import { platformaticDriver } from '../clients/kafka/platformatic-driver.ts';
import type { KafkaDriver, RecordBatch } from '../clients/kafka/port.ts';
import { type SaslCredentials, saslMechanism } from '../clients/kafka/security/sasl.ts';
import { type TlsFiles, tlsAccess } from '../clients/kafka/security/tls.ts';
import { systemClock as clock } from '../core/clock.ts';
import { KeyferryError, isKeyferryError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { retry } from '../core/retry.ts';
import { type ConsumedRecord, type UnreadableRecord, readRecord } from './consumed-record.ts';
import { CurrentKeys, type RedisOptions } from './current-keys.ts';
import type { Snapshot } from './state.ts';

export interface ConsumerOptions {
  /** host:port of some brokers. */
  readonly brokers: readonly string[];
  /** The consumer group: its members share the partitions, its offsets say how far they came. */
  readonly groupId: string;
  readonly topics: readonly string[];
  /** How this program calls itself to the brokers and to Redis; `keyferry-client` by default. */
  readonly clientId?: string | undefined;
  /** TLS to the brokers; an empty object trusts the CAs that Node knows. */
  readonly tls?: TlsFiles | undefined;
  readonly sasl?: SaslCredentials | undefined;
  /** The Redis that the topics mirror; needed for `current`. */
  readonly redis?: RedisOptions | undefined;
  /** Gets each record that cannot be read. Without it, such a record ends the consumer, and is not passed over. */
  readonly onUnreadable?: ((record: UnreadableRecord) => Promise<void> | void) | undefined;
  /** Told why the consumer waits, such as brokers that are out of reach; it goes on by itself. */
  readonly onWaiting?: ((reason: string) => void) | undefined;
}

export interface RunOptions {
  /** Ends the run: the batch in hand is finished and committed first. */
  readonly signal?: AbortSignal | undefined;
}

/** Records of one partition, in order. */
export interface ConsumedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly ConsumedRecord[];
  /** Records in the partition after this batch; undefined until known. */
  readonly behind: number | undefined;
}

/**
 * Reads topics of Keyferry sources as a member of a consumer group, from the earliest record where the group has no offset
 * yet. At least once: an offset is committed after the handler is done with it, never before. Records of one partition,
 * and so those of one key, come one after another; those of different partitions may be handled at once.
 */
export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #kafka: KafkaDriver;
  readonly #current: CurrentKeys | undefined;
  readonly #closing = new AbortController();
  readonly #runs = new Set<Promise<void>>();

  /** @throws KF_CONFIG_INVALID where the URL of Redis is none; KF_KAFKA_AUTH where a file of `tls` cannot be used */
  constructor(options: ConsumerOptions) {
    const { brokers, clientId = 'keyferry-client', tls, sasl, redis } = options;
    this.#options = options;
    this.#kafka = platformaticDriver({
      brokers,
      clientId,
      logger: warnings((reason) => options.onWaiting?.(reason)),
      tls: tls && tlsAccess(tls),
      sasl: sasl && saslMechanism(sasl, clock),
    });
    this.#current = redis && new CurrentKeys(redis, clientId);
  }

  /**
   * Hands over one record after another until the signal, or `close`.
   * @throws what the handler throws (its record comes again, and those before it in its batch); KF_RECORD_UNREADABLE;
   *     KF_KAFKA_AUTH, KF_KAFKA_PERMISSION, KF_KAFKA_TOPIC_MISSING, KF_KAFKA_REFUSED
   */
  each(handle: (record: ConsumedRecord) => Promise<void> | void, options?: RunOptions): Promise<void> {
    return this.batches(async ({ records }) => {
      for (const record of records) await handle(record);
    }, options);
  }

  /** As `each`, with all records of a fetch of one partition at once. */
  batches(handle: (batch: ConsumedBatch) => Promise<void> | void, { signal }: RunOptions = {}): Promise<void> {
    const stop = AbortSignal.any(signal === undefined ? [this.#closing.signal] : [this.#closing.signal, signal]);
    const run = this.#run(handle, stop).finally(() => this.#runs.delete(run));
    this.#runs.add(run);
    return run;
  }

  /**
   * What Redis holds for a key now, read atomically: newer than the record in hand, or the same.
   * @returns undefined where the key is gone.
   * @throws KF_CONFIG_INVALID where no `redis` was given; KF_REDIS_UNAVAILABLE, KF_REDIS_AUTH, KF_REDIS_PERMISSION
   */
  async current(key: string | Buffer): Promise<Snapshot | undefined> {
    if (this.#current === undefined) {
      throw new KeyferryError('KF_CONFIG_INVALID', 'current() needs `redis` in the options of the consumer');
    }
    return this.#current.read(Buffer.from(key));
  }

  /** Ends the run as its signal would, waits for it, and hangs up. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled([...this.#runs]);
    await this.#current?.close();
  }

  async #run(handle: (batch: ConsumedBatch) => Promise<void> | void, stop: AbortSignal): Promise<void> {
    const onFailure = ({ message }: KeyferryError): void => this.#options.onWaiting?.(message);
    try {
      await retry(() => this.#join(handle, stop), { clock, signal: stop, onFailure });
    } catch (error) {
      throw error instanceof HandlerFailure ? error.cause : error;
    }
  }

  /** One membership of the group. */
  async #join(handle: (batch: ConsumedBatch) => Promise<void> | void, stop: AbortSignal): Promise<void> {
    const { groupId, topics } = this.#options;
    const group = this.#kafka.groupConsumer({ groupId, topics });
    const leave = (): void => {
      group.close().catch(() => undefined);
    };
    try {
      if (stop.aborted) return;
      stop.addEventListener('abort', leave);
      await group.run(async (batch) => {
        const records = await this.#read(batch);
        try {
          await handle({ topic: batch.topic, partition: batch.partition, records, behind: batch.behind });
        } catch (error) {
          throw new HandlerFailure('the handler failed', { cause: error });
        }
      });
    } finally {
      stop.removeEventListener('abort', leave);
      await group.close();
    }
  }

  async #read({ topic, partition, records }: RecordBatch): Promise<readonly ConsumedRecord[]> {
    const { onUnreadable } = this.#options;
    const read: ConsumedRecord[] = [];
    for (const record of records) {
      const position = { topic, partition, offset: record.offset };
      try {
        read.push(readRecord(record, position));
      } catch (error) {
        if (!isKeyferryError(error, 'KF_RECORD_UNREADABLE')) throw error;
        const place = `${topic}/${partition}@${record.offset}`;
        if (onUnreadable === undefined)
          throw new KeyferryError(
            error.code,
            `${place} cannot be read: ${error.message}; onUnreadable passes it over`,
            {
              cause: error,
            },
          );
        await onUnreadable({ key: record.key, value: record.value, headers: record.headers, position, error });
      }
    }
    return read;
  }
}

/** The driver rides out what passes, and tells of it in its log. */
const warnings = (tell: (reason: string) => void): Logger => {
  const warn = (fields: object, message: string): void => {
    tell('error' in fields ? `${message}: ${String(fields.error)}` : message);
  };
  const logger: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn,
    error: warn,
    child: () => logger,
  };
  return logger;
};

/** Keeps what a handler throws from being taken for Kafka's. */
class HandlerFailure extends Error {
  override readonly name = 'HandlerFailure';
}

/**
 * A consumer of the topics that Keyferry sources write. Close it when it is no longer needed.
 *
 * ```js
 * const consumer = createConsumer({ brokers: ['127.0.0.1:9092'], groupId: 'mailer', topics: ['redis.0'] });
 * await consumer.each((record) => console.log(record.position, record));
 * ```
 */
export const createConsumer = (options: ConsumerOptions): Consumer => new Consumer(options);
