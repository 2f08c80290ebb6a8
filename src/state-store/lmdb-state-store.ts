import { createHash } from 'node:crypto';
import { type Database, type RootDatabase, TransactionFlags, open } from 'lmdb';
import type { Clock } from '../core/clock.ts';
import { KeyferryError, messageOf } from '../core/errors.ts';
import { type KeyName, keyBytes } from '../core/key-name.ts';
import { LmdbNotes } from './lmdb-notes.ts';
import type { Notes } from './notes.ts';
import type { PublishedChange, PublishedState, PublishedStates, TopicPosition } from './published-states.ts';
import { WaitingChanges } from './waiting-changes.ts';

/** How a table is asked for a key: by its name, or by the digest of a long one. In LMDB a tag byte stands before either. */
type StoreKey = KeyName | Buffer;
/** LMDB takes keys of 1 to 1978 bytes. */
const MAX_PLAIN_KEY_BYTES = 1900;
const PLAIN = 0x6b;
const LONG = 0x6c;

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
const MAX_TYPE_BYTES = 255;

type States = Database<Buffer, StoreKey>;
type Offsets = Database<Buffer, Buffer>;

/** No key sorts before the empty one, which is one that Redis takes. */
const FIRST = '' as KeyName;

const isLong = (key: KeyName): boolean => key.length > MAX_PLAIN_KEY_BYTES;

const storeKey = (key: KeyName): StoreKey => (isLong(key) ? createHash('sha256').update(key, 'latin1').digest() : key);

/** Straight into LMDB's own memory: a Buffer, or a longer string, for each look at a key would be one more to collect. */
const keyEncoder = {
  writeKey: (key: StoreKey, target: Buffer, start: number): number => {
    const isName = typeof key === 'string';
    target[start] = isName ? PLAIN : LONG;
    return start + 1 + (isName ? target.write(key, start + 1, 'latin1') : key.copy(target, start + 1));
  },
  readKey: (source: Buffer, start: number, end: number): StoreKey =>
    source[start] === PLAIN
      ? (source.toString('latin1', start + 1, end) as KeyName)
      : Buffer.from(source.subarray(start + 1, end)),
};

// LMDB copies what it is told to put: every state is written to the same room.
const room = Buffer.allocUnsafeSlow(HEADER_BYTES + 1 + MAX_TYPE_BYTES);
const roomView = new DataView(room.buffer);
/** The room's first bytes, by their number. */
const openings: Buffer[] = [];

/**
 * fingerprint u64 | expireAt f64 | type length u8 | type | the whole key, where it is a long one
 *
 * Valid until the next call.
 */
const encode = (key: KeyName, state: PublishedState): Buffer => {
  roomView.setBigUint64(0, state.fingerprint, true);
  roomView.setFloat64(8, state.expireAt ?? NEVER_EXPIRES, true);
  const typeBytes = room.write(state.redisType, HEADER_BYTES + 1, MAX_TYPE_BYTES, 'utf8');
  room[HEADER_BYTES] = typeBytes;
  const length = HEADER_BYTES + 1 + typeBytes;
  const opening = (openings[length] ??= room.subarray(0, length));
  return isLong(key) ? Buffer.concat([opening, keyBytes(key)]) : opening;
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
  #waiting = new WaitingChanges();
  /** What the commit under way takes in. */
  #committing = new WaitingChanges();
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
    for (const { key, state } of changes) this.#waiting.set(key, state);
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
    for (const key of this.#states.getKeys({ start: storeKey(after ?? FIRST), limit: limit + 1 })) {
      const name = typeof key === 'string' ? key : this.#nameOf(key);
      if (name !== after) found.push(name);
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

  #nameOf(digest: Buffer): KeyName {
    const value = this.#states.getBinary(digest) ?? Buffer.alloc(HEADER_BYTES + 1);
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
    this.#waiting = new WaitingChanges();
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
    this.#committing = new WaitingChanges();
    this.#commit = undefined;
  }

  #put(key: KeyName, state: PublishedState | null): void {
    if (state === null) this.#states.removeSync(storeKey(key));
    else this.#states.putSync(storeKey(key), encode(key, state));
  }
}
