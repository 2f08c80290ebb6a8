import { type RedisClientOptions, connectRedis } from '../clients/redis/connect.ts';
import type { RedisConnection } from '../clients/redis/port.ts';
import { keyName } from '../core/key-name.ts';
import { KeyReader } from '../redis-to-kafka/converge/key-reader.ts';
import { type Snapshot, snapshotOf } from './state.ts';

/** The Redis that a topic mirrors. */
export interface RedisOptions extends Omit<RedisClientOptions, 'name' | 'clock' | 'metrics'> {
  /** By default the one that the URL names, or 0. */
  readonly database?: number | undefined;
}

const MAX_VALUE_BYTES = 500_000_000;

/** Reads keys as Keyferry does: atomically, in the same form as the records. */
export class CurrentKeys {
  readonly #connection: RedisConnection;
  readonly #reader: KeyReader;
  #last: Promise<unknown> = Promise.resolve();

  /** Connects in the background. @throws KF_CONFIG_INVALID when the URL is none. */
  constructor({ database, ...options }: RedisOptions, name: string) {
    const db = database ?? databaseOf(options.url);
    this.#connection = connectRedis({ ...options, name }).connect({ db, name: 'current' });
    this.#reader = new KeyReader({ connection: this.#connection, format: 'json', maxValueBytes: MAX_VALUE_BYTES });
  }

  /**
   * @returns undefined where there is no such key.
   * @throws KF_REDIS_UNAVAILABLE, KF_REDIS_AUTH, KF_REDIS_PERMISSION, KF_REDIS_REFUSED
   */
  read(key: Buffer): Promise<Snapshot | undefined> {
    // One at a time: a large key is read by a transaction of its own on the connection.
    const snapshot = this.#last.then(() => this.#read(key));
    this.#last = snapshot.catch(() => undefined);
    return snapshot;
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #read(key: Buffer): Promise<Snapshot | undefined> {
    await this.#connection.ready();
    for (;;) {
      const [found] = await this.#reader.readAll([keyName(key)]);
      if (found instanceof Error) throw found;
      if (found === undefined) return undefined;
      if (found !== 'later') return snapshotOf(found);
    }
  }
}

const databaseOf = (url: string): number => (URL.canParse(url) ? Number(new URL(url).pathname.slice(1)) || 0 : 0);
