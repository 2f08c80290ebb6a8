import { encodeState } from '../../codecs/key-record.ts';
import { fingerprintOf } from '../../codecs/fingerprint.ts';
import type { Clock } from '../../core/clock.ts';
import type { KeyName } from '../../core/key-name.ts';
import type { RecordFormat } from '../../core/key-record.ts';
import type { KeyState } from '../../core/key-state.ts';
import { encodeWithin, omit } from '../../redis-to-kafka/converge/change-detection.ts';
import type { KeyReader } from '../../redis-to-kafka/converge/key-reader.ts';
import type { PublishedState } from '../../state-store/published-states.ts';

/** missing: in Redis, not on the topic. stale: the topic holds another state. extra: on the topic, gone from Redis. */
export type Drift = 'missing' | 'stale' | 'extra';

/** A key that differed at the second look too; changing: that kept changing, so that nothing can be said. */
export type Verdict = Drift | 'changing';

/** What the topic holds, as far as it has been read. */
export interface TopicStates {
  get(key: KeyName): PublishedState | undefined;
  keys(after: KeyName | undefined, limit: number): readonly KeyName[];
}

export interface KeyspaceAuditOptions {
  readonly topic: TopicStates;
  /** Reads the topic on to its present end. */
  readonly readOn: () => Promise<void>;
  readonly keys: Pick<KeyReader, 'readAll' | 'exist'>;
  /** All keys of the database, in portions. */
  readonly scan: () => AsyncIterable<readonly KeyName[]> | Iterable<readonly KeyName[]>;
  readonly accepts: (key: KeyName) => boolean;
  readonly format: RecordFormat;
  readonly maxValueBytes: number;
  readonly clock: Clock;
  readonly onVerdict: (key: KeyName, verdict: Verdict) => void;
  /** So many keys have been looked at so far, those of Redis and those of the topic. */
  readonly onCompared?: (keys: number) => void;
}

const BATCH = 500;
/** Suspects are judged in portions, so that memory stays bounded where everything differs. */
const SUSPECTS_AT_ONCE = 50_000;
/** What Redis held at the first look has this long to come through Kafka. */
const GRACE_MS = 2_000;

export interface AuditTotals {
  readonly keysInRedis: number;
  readonly keysOnTopic: number;
}

/** Compares the keys of one database with what the topic says of them; both may change meanwhile. */
export class KeyspaceAudit {
  readonly #options: KeyspaceAuditOptions;
  #suspects = new Set<KeyName>();

  constructor(options: KeyspaceAuditOptions) {
    this.#options = options;
  }

  /** @throws as the reads of Redis and Kafka do. */
  async run(): Promise<AuditTotals> {
    await this.#options.readOn();
    const keysInRedis = await this.#compareKeysOfRedis();
    const keysOnTopic = await this.#lookForKeysOfTopic(keysInRedis);
    await this.#judge();
    return { keysInRedis, keysOnTopic };
  }

  async #compareKeysOfRedis(): Promise<number> {
    const { scan, accepts, topic } = this.#options;
    let count = 0;
    for await (const names of scan()) {
      const keys = names.filter(accepts);
      const states = await this.#read(keys);
      for (const key of keys) if (!this.#agrees(states.get(key), topic.get(key))) this.#suspects.add(key);
      count += keys.length;
      this.#options.onCompared?.(count);
      if (this.#suspects.size >= SUSPECTS_AT_ONCE) await this.#judge();
    }
    return count;
  }

  async #lookForKeysOfTopic(keysBefore: number): Promise<number> {
    const { topic, keys, accepts } = this.#options;
    let count = 0;
    for (let after: KeyName | undefined; ;) {
      const known = topic.keys(after, BATCH);
      after = known.at(-1);
      if (after === undefined) return count;
      const wanted = known.filter(accepts);
      const exist = await keys.exist(wanted);
      wanted.forEach((key, at) => {
        if (exist[at] !== true) this.#suspects.add(key);
      });
      count += wanted.length;
      this.#options.onCompared?.(keysBefore + count);
      if (this.#suspects.size >= SUSPECTS_AT_ONCE) await this.#judge();
    }
  }

  /** Reads Redis, then the topic, then Redis again: a state that the topic has, or one that moves, is no drift. */
  async #judge(): Promise<void> {
    const suspects = [...this.#suspects];
    this.#suspects = new Set();
    if (suspects.length === 0) return;
    const before = await this.#fingerprints(suspects);
    await this.#options.clock.sleep(GRACE_MS);
    await this.#options.readOn();
    for (let at = 0; at < suspects.length; at += BATCH) {
      const states = await this.#read(suspects.slice(at, at + BATCH));
      for (const [key, state] of states) {
        const verdict = this.#verdict(key, state, before.get(key));
        if (verdict !== undefined) this.#options.onVerdict(key, verdict);
      }
    }
  }

  #verdict(key: KeyName, state: KeyState | undefined, before: bigint | undefined): Verdict | undefined {
    const known = this.#options.topic.get(key);
    if (this.#agrees(state, known) || before === known?.fingerprint) return undefined;
    if (this.#fingerprint(state) !== before) return 'changing';
    if (state === undefined) return 'extra';
    return known === undefined ? 'missing' : 'stale';
  }

  /** Of what Redis holds; a key that is gone has none. */
  async #fingerprints(keys: readonly KeyName[]): Promise<ReadonlyMap<KeyName, bigint>> {
    const fingerprints = new Map<KeyName, bigint>();
    for (let at = 0; at < keys.length; at += BATCH) {
      for (const [key, state] of await this.#read(keys.slice(at, at + BATCH))) {
        const fingerprint = this.#fingerprint(state);
        if (fingerprint !== undefined) fingerprints.set(key, fingerprint);
      }
    }
    return fingerprints;
  }

  #fingerprint(state: KeyState | undefined): bigint | undefined {
    if (state === undefined) return undefined;
    return fingerprintOf(this.#encode(state), state.expireAt);
  }

  #encode(state: KeyState): Buffer {
    return encodeWithin(state, this.#options.format, this.#options.maxValueBytes).bytes;
  }

  #agrees(state: KeyState | undefined, known: PublishedState | undefined): boolean {
    if (state === undefined || known === undefined) return state === known;
    const bytes = this.#encode(state);
    if (fingerprintOf(bytes, state.expireAt) === known.fingerprint) return true;
    // A record that the broker found too large went without its value.
    const omitted = encodeState(omit(state, bytes.length), this.#options.format);
    return fingerprintOf(omitted, state.expireAt) === known.fingerprint;
  }

  /** Reads every key, however many turns it takes. */
  async #read(keys: readonly KeyName[]): Promise<ReadonlyMap<KeyName, KeyState | undefined>> {
    const states = new Map<KeyName, KeyState | undefined>();
    for (let waiting = keys; waiting.length > 0;) {
      const portion = waiting.slice(0, BATCH);
      const later: KeyName[] = [];
      for (const [at, found] of (await this.#options.keys.readAll(portion)).entries()) {
        const key = portion[at];
        if (key === undefined) continue;
        if (found instanceof Error) throw found;
        if (found === 'later') later.push(key);
        else states.set(key, found);
      }
      waiting = [...later, ...waiting.slice(BATCH)];
    }
    return states;
  }
}
