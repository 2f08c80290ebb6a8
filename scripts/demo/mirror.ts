import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { Redis } from 'ioredis';
import { expectedRecord } from '../../test/support/independent-reader.ts';
import type { RedisDatabase } from './given.ts';
import type { DemoServers } from './servers.ts';

const POLL_MS = 1;
const WAIT_MS = 120_000;

/** Both ends of the way, seen by plain commands: what the daemon says about itself counts for nothing here. */
export class Mirror {
  readonly source: Redis;
  readonly copy: Redis;

  constructor(servers: Pick<DemoServers, 'source' | 'copy'>) {
    this.source = connect(servers.source);
    this.copy = connect(servers.copy);
  }

  /** Milliseconds until the copy holds what the source holds, for each of the keys. @throws past the deadline */
  async untilEqual(keys: readonly Buffer[]): Promise<number> {
    const start = performance.now();
    const expected = await Promise.all(keys.map((key) => expectedRecord(this.source, key)));
    for (;;) {
      const found = await Promise.all(keys.map((key) => expectedRecord(this.copy, key)));
      const elapsedMs = performance.now() - start;
      if (isDeepStrictEqual(found, expected)) return elapsedMs;
      if (elapsedMs > WAIT_MS) {
        throw new Error(`not the same in ${WAIT_MS / 1_000} s: ${JSON.stringify(expected)}, ${JSON.stringify(found)}`);
      }
      await sleep(POLL_MS);
    }
  }

  /**
   * Waits until the copy holds those of the keys that are there.
   * @returns false where all of them have expired before.
   * @throws past the deadline
   */
  async hasCarried(keys: readonly Buffer[]): Promise<boolean> {
    const deadline = performance.now() + WAIT_MS;
    while (performance.now() < deadline) {
      const expected = await Promise.all(keys.map((key) => expectedRecord(this.source, key)));
      if (expected.every((record) => record === undefined)) return false;
      const found = await Promise.all(keys.map((key) => expectedRecord(this.copy, key)));
      if (isDeepStrictEqual(found, expected)) return true;
      await sleep(POLL_MS);
    }
    throw new Error(`not in the copy in ${WAIT_MS / 1_000} s: ${keys.join(', ')}`);
  }

  close(): void {
    this.source.disconnect();
    this.copy.disconnect();
  }
}

const connect = ({ url }: RedisDatabase): Redis => {
  const redis = new Redis(url);
  // Commands fail by themselves; a connection that comes back is nobody's business.
  redis.on('error', () => undefined);
  return redis;
};
