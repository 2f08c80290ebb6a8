import type { RedisConnection } from '../../clients/redis/port.ts';
import { arrayOf, bufferOf, textOf } from '../converge/redis-replies.ts';
import type { ListKeys } from './list-keys.ts';
import { CLOSE, OPEN, TAKE } from './list-scripts.ts';

/**
 * Why a session is over: its mark is gone (a flush, another dataset), another daemon runs the same source, or items have
 * gone from the processing list that were not removed by us.
 */
export type Loss = 'forgotten' | 'taken-over' | 'shortened';

export interface Taken {
  readonly items: readonly Buffer[];
  /** Items that stay in the list. */
  readonly length: number;
}

export interface ProcessingListOptions {
  readonly redis: RedisConnection;
  readonly keys: ListKeys;
  readonly take: 'right' | 'left';
  /** Most bytes of one turn; an item that is larger comes alone. */
  readonly maxBytes: number;
  /** Unlike any other. */
  readonly session: string;
}

/** The processing list of one list, for as long as it is ours: one session. Errors of any call change nothing here. */
export class ProcessingList {
  /** Items that stood there when it was opened: a crash or a lost session left them. They are given out first. */
  readonly recovered: number;
  readonly #options: ProcessingListOptions;
  #given = 0;
  #acknowledged = 0;
  #removed = 0;

  private constructor(options: ProcessingListOptions, recovered: number) {
    this.#options = options;
    this.recovered = recovered;
  }

  /** @throws KF_REDIS_UNAVAILABLE, KF_REDIS_PERMISSION, KF_REDIS_REFUSED: a key of another type */
  static async open(options: ProcessingListOptions): Promise<ProcessingList> {
    const { redis, keys, session } = options;
    return new ProcessingList(options, Number(await redis.script(OPEN, [keys.processing, keys.mark], [session])));
  }

  /** How many items this session has given out: the position behind the last one. */
  get given(): number {
    return this.#given;
  }

  get inFlight(): number {
    return this.#given - this.#acknowledged;
  }

  /** Kafka holds items that still stand here. */
  get isBehind(): boolean {
    return this.#acknowledged > this.#removed;
  }

  /** Kafka holds every item before this position. */
  acknowledge(position: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, position);
  }

  /**
   * Removes what Kafka holds, and takes up to `most` items. One call at a time.
   * @throws KF_REDIS_UNAVAILABLE, KF_REDIS_PERMISSION, KF_REDIS_REFUSED: a key of another type
   */
  async turn(most: number): Promise<Taken | Loss> {
    const { redis, keys, take, maxBytes, session } = this.#options;
    const acknowledged = this.#acknowledged;
    const positions = [acknowledged, this.#given];
    const args = [session, ...positions, most, maxBytes, take.toUpperCase()];
    const reply = await redis.script(TAKE, [keys.list, keys.processing, keys.mark], args);
    if (Buffer.isBuffer(reply)) return textOf(reply) as Loss;
    const [length = 0, given = null] = arrayOf(reply);
    const items = arrayOf(given).map(bufferOf);
    this.#removed = acknowledged;
    this.#given += items.length;
    return { items, length: Number(length) };
  }

  /** Removes what Kafka holds, and the mark where nothing else stands here. */
  async close(): Promise<void> {
    await this.turn(0);
    const { redis, keys, session } = this.#options;
    await redis.script(CLOSE, [keys.processing, keys.mark], [session]);
  }
}
