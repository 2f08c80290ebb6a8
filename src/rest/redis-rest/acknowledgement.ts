import type { Clock } from '../../core/clock.ts';
import { type KeyName, keyBytes } from '../../core/key-name.ts';
import type { AcknowledgedKey, FollowedKeys } from '../../core/place.ts';
import { RestFailure } from './failure.ts';
import type { Mirror } from './mirror.ts';
import { percentEncoded } from './percent.ts';

/** That an answer waits for Kafka, and for how long at most. */
export interface AckWish {
  readonly timeoutMs: number;
}

export const HEADER = {
  ack: 'keyferry-ack',
  timeout: 'keyferry-ack-timeout',
  records: 'keyferry-records',
  leftOut: 'keyferry-records-left-out',
} as const;

/** Keys that all requests together wait for, at most (I9): each is a few hundred bytes here. */
const MAX_AWAITED_KEYS = 100_000;
/** Common clients take 16 kB of headers, all together. */
const MAX_HEADER_BYTES = 8_000;

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** @returns undefined: nobody asks to wait. @throws RestFailure */
export const ackWishOf = (headers: Headers, longestMs: number): AckWish | undefined => {
  const wish = headers[HEADER.ack];
  const shorter = headers[HEADER.timeout];
  if (wish === undefined) return undefined;
  if (wish !== 'kafka') throw new RestFailure('ERR', 'Keyferry-Ack is `kafka`, or absent');
  if (shorter === undefined) return { timeoutMs: longestMs };
  if (typeof shorter !== 'string' || !/^[1-9]\d{0,8}$/.test(shorter)) {
    throw new RestFailure('ERR', 'Keyferry-Ack-Timeout is a number of milliseconds');
  }
  return { timeoutMs: Math.min(Number(shorter), longestMs) };
};

export interface AcknowledgementOptions {
  readonly mirror: Mirror;
  readonly db: number;
  readonly clock: Clock;
}

/** Waits of all requests. */
export class Acknowledgements {
  readonly #options: AcknowledgementOptions;
  /** Each ends one wait. */
  readonly #waits = new Set<AbortController>();
  #isClosed = false;
  #awaited = 0;

  constructor(options: AcknowledgementOptions) {
    this.#options = options;
  }

  /**
   * Before the write: what is published from now on is noted. To be released, whatever comes.
   * @throws RestFailure where Kafka could never, or not now, have the keys: nothing is written then.
   */
  follow(keys: readonly KeyName[]): FollowedKeys {
    const { mirror, db } = this.#options;
    if (this.#awaited + keys.length > MAX_AWAITED_KEYS || this.#isClosed) {
      throw new RestFailure('UNAVAILABLE', 'too many writes wait for Kafka; nothing was written');
    }
    const followed = mirror.follow(db, keys);
    if ('when' in followed) {
      const code = followed.when === 'never' ? 'ERR' : 'UNAVAILABLE';
      throw new RestFailure(code, `Kafka cannot acknowledge this: ${followed.reason}; nothing was written`);
    }
    this.#awaited += keys.length;
    return {
      acknowledged: () => followed.acknowledged(),
      release: () => {
        this.#awaited -= keys.length;
        followed.release();
      },
    };
  }

  /** After the write. @returns undefined where the time was up, or the daemon stops. */
  async wait(followed: FollowedKeys, { timeoutMs }: AckWish): Promise<readonly AcknowledgedKey[] | undefined> {
    const over = new AbortController();
    this.#waits.add(over);
    const timeUp = this.#options.clock.sleep(timeoutMs, over.signal).then(() => undefined);
    try {
      return await Promise.race([followed.acknowledged(), timeUp]);
    } finally {
      this.#waits.delete(over);
      over.abort();
    }
  }

  /** Ends all waits. */
  close(): void {
    this.#isClosed = true;
    for (const over of this.#waits) over.abort();
  }
}

/**
 * `redis.0/3@1234;key=user%3A42, acknowledged;key=other`: in the order of the keys, the place of each key's record, or
 * that Kafka had the state before, at a place that is not known. What has no room is counted.
 */
export const recordsHeaders = (acknowledged: readonly AcknowledgedKey[]): Readonly<Record<string, string>> => {
  const items = acknowledged.map(itemOf);
  let bytes = 0;
  const end = items.findIndex((item) => (bytes += item.length + 2) > MAX_HEADER_BYTES);
  if (end === -1) return { [HEADER.records]: items.join(', ') };
  return { [HEADER.records]: items.slice(0, end).join(', '), [HEADER.leftOut]: String(items.length - end) };
};

const itemOf = ({ key, place }: AcknowledgedKey): string => {
  const where = place === undefined ? 'acknowledged' : `${place.topic}/${place.partition}@${place.offset}`;
  return `${where};key=${percentEncoded(keyBytes(key))}`;
};
