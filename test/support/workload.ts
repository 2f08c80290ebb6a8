import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster, Redis } from 'ioredis';

/** Kinds of writes, over few enough keys that they meet: types change, keys go and come back. */
const WRITES: readonly ((redis: Redis, key: string, n: number) => Promise<unknown>)[] = [
  (redis, key, n) => redis.set(key, `value ${n}`),
  (redis, key, n) => redis.set(key, Buffer.from([0xff, 0xfe, n % 256])),
  (redis, key, n) => redis.set(key, n, 'PX', 500 + (n % 1_000)),
  (redis, key) => redis.del(key),
  (redis, key) => redis.unlink(key),
  (redis, key, n) =>
    redis
      .multi()
      .del(key)
      .hset(key, { field: n, [`f${n % 10}`]: 'x' })
      .exec(),
  (redis, key, n) =>
    redis
      .multi()
      .del(key)
      .rpush(key, n, n + 1, 'x')
      .exec(),
  (redis, key, n) => redis.multi().del(key).sadd(key, n, 'member').exec(),
  (redis, key, n) =>
    redis
      .multi()
      .del(key)
      .zadd(key, 1, 'a', 1, 'b', n % 7, 'c')
      .exec(),
  (redis, key, n) => redis.multi().del(key).xadd(key, '*', 'n', n).exec(),
  (redis, key, n) => redis.rename(key, `renamed:${n % 50}`),
  (redis, key, n) => redis.copy(key, `copy:${n % 50}`, 'REPLACE'),
  (redis, key) => redis.getdel(key),
  (redis, key) => redis.persist(key),
];

/** A writer that goes on through every fault: a write that fails is no write. */
export class Workload {
  readonly #redis: Redis;
  readonly #pauseMs: number;
  #writes = 0;
  #isRunning = false;
  #loop: Promise<void> = Promise.resolve();

  /** @param pauseMs between bursts of 20 writes, where the servers share a machine that has little to give. */
  constructor(redis: Redis | Cluster, { pauseMs = 0 } = {}) {
    // Both take the same commands; only their types have no name in common.
    this.#redis = redis as Redis;
    this.#pauseMs = pauseMs;
  }

  /** Writes that Redis has answered, errors like a wrong type among them. */
  get writes(): number {
    return this.#writes;
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#loop = this.#run(() => this.#isRunning);
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    await this.#loop;
  }

  /** So many writes, and then no more. */
  async run(count: number): Promise<void> {
    const target = this.#writes + count;
    await this.#run(() => this.#writes < target);
  }

  async #run(goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      const burst = Array.from({ length: 20 }, (_, at) => this.#write(this.#writes + at));
      await Promise.all(burst);
      if (this.#pauseMs > 0) await sleep(this.#pauseMs);
    }
  }

  async #write(n: number): Promise<void> {
    const write = WRITES[Math.floor(Math.random() * WRITES.length)];
    try {
      await write?.(this.#redis, `key:${Math.floor(Math.random() * 400)}`, n);
    } catch {
      // RENAME of a key that is gone, a connection that was cut: Redis says so, and the next write follows.
    }
    this.#writes += 1;
  }
}
