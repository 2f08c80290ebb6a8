import { createHash } from 'node:crypto';
import { type Database, type RootDatabase, TransactionFlags, open } from 'lmdb';
import type { Clock } from '../core/clock.ts';
import { KeyferryError, messageOf } from '../core/errors.ts';
import type { KeyName } from '../core/key-name.ts';
import { LmdbNotes } from './lmdb-notes.ts';
import type { Notes } from './notes.ts';
import type { PublishedChange, PublishedState, PublishedStates, TopicPosition } from './published-states.ts';

/** A key as it stands in LMDB, as a latin1 string: a tag, then all of a plain key, or the digest of a long one. */
type StoreKey = string;
/** LMDB takes keys of 1 to 1978 bytes; ours have a tag byte before them. */
const MAX_PLAIN_KEY_BYTES = 1900;
/** Sorts before all others. */
const PLAIN = 'k';
const LONG = 'l';

/** A crash costs reading this much of the topic again; a larger batch costs less per key, because it goes in sorted. */
const COMMIT_EVERY_MS = 2_000;
const COMMIT_AT_CHANGES = 50_000;
/** One transaction of a batch, a few milliseconds: neighbours in key order, so that each page is written once. */
const SLICE_CHANGES = 2_000;

/**
 * To wait for the disk would hold up everything else. LMDB flushes afterwards, in order, so what a crash of the machine
 * cuts off is the end: positions, and states that are newer than they are.
 */
const NOT_FLUSHED: TransactionFlags =
  TransactionFlags.ABORTABLE | TransactionFlags.SYNCHRONOUS_COMMIT | TransactionFlags.NO_SYNC_FLUSH;

const NEVER_EXPIRES = 0;
const HEADER_BYTES = 16;

type States = Database<Buffer, StoreKey>;
type Offsets = Database<Buffer, Buffer>;
/** null: the key's last record is a tombstone. */
type Changes = Map<KeyName, PublishedState | null>;

const storeKey = (key: KeyName): StoreKey =>
  key.length <= MAX_PLAIN_KEY_BYTES ? PLAIN + key : LONG + createHash('sha256').update(key, 'latin1').digest('latin1');

/** Straight into LMDB's own memory: a Buffer for each look at a key would be one more to collect. */
const keyEncoder = {
  writeKey: (key: StoreKey, target: Buffer, start: number): number => start + target.write(key, start, 'latin1'),
  readKey: (source: Buffer, start: number, end: number): StoreKey => source.toString('latin1', start, end),
};

/** fingerprint u64 | expireAt f64 | type length u8 | type | the whole key, where it is a long one */
const encode = (key: KeyName, state: PublishedState): Buffer => {
  const typeBytes = Buffer.byteLength(state.redisType);
  const tail = key.length <= MAX_PLAIN_KEY_BYTES ? '' : key;
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + 1 + typeBytes + tail.length);
  bytes.writeBigUInt64LE(state.fingerprint, 0);
  bytes.writeDoubleLE(state.expireAt ?? NEVER_EXPIRES, 8);
  bytes[HEADER_BYTES] = typeBytes;
  bytes.write(state.redisType, HEADER_BYTES + 1);
  bytes.write(tail, HEADER_BYTES + 1 + typeBytes, 'latin1');
  return bytes;
};

const typeEnd = (bytes: Buffer): number => HEADER_BYTES + 1 + bytes.readUInt8(HEADER_BYTES);

const decode = (bytes: Buffer): PublishedState => {
  const expireAt = bytes.readDoubleLE(8);
  return {
    fingerprint: bytes.readBigUInt64LE(0),
    expireAt: expireAt === NEVER_EXPIRES ? undefined : expireAt,
    redisType: bytes.toString('utf8', HEADER_BYTES + 1, typeEnd(bytes)),
  };
};

/** One LMDB environment for the daemon; each source's database has its own pair of tables in it. */
export class LmdbStateStore {
  readonly notes: Notes;
  readonly #environment: RootDatabase;
  readonly #clock: Clock;
  readonly #tables = new Map<string, LmdbPublishedStates>();

  /** @throws KF_STATE_STORE where the path cannot be used. */
  constructor(options: { readonly path: string; readonly clock: Clock }) {
    this.#clock = options.clock;
    try {
      this.#environment = open({ path: options.path, maxDbs: 1024, cache: false, noSubdir: false });
    } catch (error) {
      throw new KeyferryError('KF_STATE_STORE', `state.path ${options.path}: ${messageOf(error)}`, { cause: error });
    }
    this.notes = new LmdbNotes(this.#environment);
  }

  /**
   * One instance for each name: what a second one held back would overwrite what the first has learned since.
   * @param name of the source and database: `all-keys/0`.
   */
  published(name: string): PublishedStates {
    const opened = this.#tables.get(name);
    if (opened !== undefined) return opened;
    const binary = { encoding: 'binary', cache: false } as const;
    // The library's types lack it.
    const byName = { ...binary, keyEncoder };
    const table = new LmdbPublishedStates({
      environment: this.#environment,
      states: this.#environment.openDB(`${name}/states`, byName),
      offsets: this.#environment.openDB(`${name}/positions`, { ...binary, keyEncoding: 'binary' }),
      clock: this.#clock,
    });
    this.#tables.set(name, table);
    return table;
  }

  /** Commits what is waiting, waits until it is on disk, closes. */
  async close(): Promise<void> {
    for (const table of this.#tables.values()) table.close();
    await this.#environment.flushed;
    await this.#environment.close();
  }
}

class LmdbPublishedStates implements PublishedStates {
  readonly #environment: RootDatabase;
  readonly #states: States;
  readonly #offsets: Offsets;
  readonly #stopTimer: () => void;
  /** Acknowledged, not yet committed; newest wins. */
  #waiting: Changes = new Map();
  /** What the commit under way takes in. */
  #committing: Changes = new Map();
  #commit: Iterator<void> | undefined;
  readonly #positions = new Map<string, TopicPosition>();
  #positionsMoved = false;

  constructor(options: {
    readonly environment: RootDatabase;
    readonly states: States;
    readonly offsets: Offsets;
    readonly clock: Clock;
  }) {
    this.#environment = options.environment;
    this.#states = options.states;
    this.#offsets = options.offsets;
    for (const { key, value } of this.#offsets.getRange({})) {
      const [topic = '', partition = ''] = key.toString('utf8').split('\0');
      this.#place({ topic, partition: Number(partition), offset: value.readBigInt64LE(0) });
    }
    this.#stopTimer = options.clock.every(COMMIT_EVERY_MS, () => {
      this.#beginCommit();
    });
  }

  get(key: KeyName): PublishedState | undefined {
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) return waiting ?? undefined;
    const committing = this.#committing.get(key);
    if (committing !== undefined) return committing ?? undefined;
    const bytes = this.#states.getBinaryFast(storeKey(key));
    return bytes === undefined ? undefined : decode(bytes);
  }

  remember(changes: readonly PublishedChange[], positions: readonly TopicPosition[]): void {
    for (const { key, state } of changes) this.#waiting.set(key, state ?? null);
    for (const position of positions) this.#place(position);
    this.#positionsMoved ||= positions.length > 0;
    if (this.#waiting.size >= COMMIT_AT_CHANGES) this.#beginCommit();
  }

  positions(): readonly TopicPosition[] {
    return [...this.#positions.values()];
  }

  clear(): void {
    this.#commitAll();
    this.#positions.clear();
    this.#environment.transactionSync(() => {
      this.#states.clearSync();
      this.#offsets.clearSync();
    });
  }

  keys(after: KeyName | undefined, limit: number): readonly KeyName[] {
    // Once a walk: a key that comes later was alive when it was read, and is watched (one in flight is the reconciler's).
    if (after === undefined) this.#commitAll();
    const found: KeyName[] = [];
    const start = after === undefined ? undefined : storeKey(after);
    for (const key of this.#states.getKeys({ start: start ?? PLAIN, limit: limit + 1 })) {
      if (key === start) continue;
      found.push(this.#nameOf(key));
      if (found.length === limit) break;
    }
    return found;
  }

  count(): number {
    return (this.#states.getStats() as { entryCount: number }).entryCount;
  }

  close(): void {
    this.#stopTimer();
    this.#commitAll();
  }

  #nameOf(key: StoreKey): KeyName {
    if (key.startsWith(PLAIN)) return key.slice(PLAIN.length) as KeyName;
    const value = this.#states.getBinary(key) ?? Buffer.alloc(HEADER_BYTES + 1);
    return value.toString('latin1', typeEnd(value)) as KeyName;
  }

  #place(position: TopicPosition): void {
    this.#positions.set(`${position.topic}\0${position.partition}`, position);
  }

  /** Takes in what waits, slice by slice, other work between them. */
  #beginCommit(): void {
    if (this.#commit !== undefined) {
      // The one before is not through, and the next is due: memory goes before latency (I9).
      if (this.#waiting.size < COMMIT_AT_CHANGES) return;
      this.#finishCommit();
    }
    if (this.#waiting.size === 0 && !this.#positionsMoved) return;
    const commit = this.#slices();
    this.#commit = commit;
    const next = (): void => {
      if (this.#commit === commit && commit.next().done !== true) setImmediate(next);
    };
    next();
  }

  #finishCommit(): void {
    while (this.#commit !== undefined) this.#commit.next();
  }

  #commitAll(): void {
    this.#finishCommit();
    this.#beginCommit();
    this.#finishCommit();
  }

  /**
   * The positions come last, in a transaction of their own: a crash in between leaves states that are newer than the
   * positions say, and what is read again from there ends in the same states.
   */
  *#slices(): Generator<void> {
    const positions = [...this.#positions];
    this.#committing = this.#waiting;
    this.#waiting = new Map();
    this.#positionsMoved = false;
    const sorted = [...this.#committing.keys()].sort();
    for (let from = 0; from < sorted.length; from += SLICE_CHANGES) {
      this.#environment.transactionSync(() => {
        for (const key of sorted.slice(from, from + SLICE_CHANGES)) this.#put(key, this.#committing.get(key) ?? null);
      }, NOT_FLUSHED);
      yield;
    }
    this.#environment.transactionSync(() => {
      for (const [name, { offset }] of positions) {
        const bytes = Buffer.allocUnsafe(8);
        bytes.writeBigInt64LE(offset, 0);
        this.#offsets.putSync(Buffer.from(name, 'utf8'), bytes);
      }
    }, NOT_FLUSHED);
    this.#committing = new Map();
    this.#commit = undefined;
  }

  #put(key: KeyName, state: PublishedState | null): void {
    if (state === null) this.#states.removeSync(storeKey(key));
    else this.#states.putSync(storeKey(key), encode(key, state));
  }
}
