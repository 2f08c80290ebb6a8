import type { RedisCommand, RedisConnection } from '../../clients/redis/port.ts';
import { aborted } from '../../core/clock.ts';
import { isKeyferryError } from '../../core/errors.ts';
import { Wakeup } from '../../core/wakeup.ts';
import type { Patience } from '../patience.ts';
import type { Reading } from './reading.ts';

/** IDs of one XACK. */
const MAX_IDS = 1_000;

export interface AcknowledgementsOptions {
  readonly redis: RedisConnection;
  readonly group: string;
}

/**
 * Entries that Kafka holds, to be acknowledged in Redis. What Redis did not take is kept and sent again: until then the
 * entries count as in flight.
 */
export class Acknowledgements {
  readonly #options: AcknowledgementsOptions;
  readonly #added = new Wakeup();
  #waiting = new Map<Reading, string[]>();

  constructor(options: AcknowledgementsOptions) {
    this.#options = options;
  }

  add(reading: Reading, ids: readonly string[]): void {
    const landed = reading.land(ids);
    if (landed.length === 0 || reading.hasEnded) return;
    const known = this.#waiting.get(reading);
    if (known === undefined) this.#waiting.set(reading, [...landed]);
    else for (const id of landed) known.push(id);
    this.#added.notify();
  }

  /** Acknowledges what comes, until the signal. @throws KF_REDIS_PERMISSION, KF_REDIS_AUTH */
  async run(signal: AbortSignal, patience: Patience): Promise<void> {
    const isStopped = (): boolean => signal.aborted;
    void aborted(signal).then(() => {
      this.#added.notify();
    });
    while (!isStopped()) {
      await this.#added.until(() => isStopped() || this.#waiting.size > 0);
      await patience.tryUntilDone('acknowledge', signal, () => this.flush());
    }
  }

  /** Sends all that wait. @throws KF_REDIS_UNAVAILABLE, KF_REDIS_PERMISSION, KF_REDIS_AUTH: what was not taken waits on. */
  async flush(): Promise<void> {
    const portions = [...this.#waiting].flatMap(([reading, ids]) =>
      slices(ids).map((slice) => ({ reading, ids: slice })),
    );
    this.#waiting = new Map();
    const sent = portions.filter(({ reading }) => !reading.hasEnded);
    if (sent.length === 0) return;
    const { redis, group } = this.#options;
    const commands = sent.map(({ reading, ids }): RedisCommand => ['XACK', reading.name, group, ...ids]);
    const replies = await redis.pipeline(commands).catch((error: unknown) => commands.map(() => error as Error));
    let failure: Error | undefined;
    sent.forEach(({ reading, ids }, at) => {
      const reply = replies[at];
      // Any other refusal, such as a wrong type: there is nothing left to acknowledge.
      if (!(reply instanceof Error) || isKeyferryError(reply, 'KF_REDIS_REFUSED')) reading.forget(ids);
      else {
        failure = reply;
        this.#waiting.set(reading, [...(this.#waiting.get(reading) ?? []), ...ids]);
      }
    });
    if (failure !== undefined) throw failure;
  }
}

const slices = (ids: readonly string[]): readonly (readonly string[])[] =>
  Array.from({ length: Math.ceil(ids.length / MAX_IDS) }, (_, at) => ids.slice(at * MAX_IDS, (at + 1) * MAX_IDS));
