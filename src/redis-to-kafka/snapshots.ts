import type { Clock } from '../core/clock.ts';
import { KeyferryError } from '../core/errors.ts';
import type { KeyName } from '../core/key-name.ts';
import type { Logger } from '../core/log.ts';
import { Turns } from '../core/turns.ts';
import type { Notes } from '../state-store/notes.ts';
import { keyGlob } from './publish/key-glob.ts';

/** A wish to have keys published again, changed or not. */
export interface Snapshot {
  readonly id: string;
  /** A Redis glob; null: every key that the source carries. */
  readonly match: string | null;
  /** Unix ms. */
  readonly startedAt: number;
}

export interface SnapshotStatus extends Snapshot {
  /** Keys gone through. */
  readonly done: number;
  /** Keys to go through in all, as far as the masters have counted them. */
  readonly total: number;
  /** Unix ms; null: it is under way. */
  readonly endedAt: number | null;
}

/** What shards ask about the snapshot that is under way. */
export interface SnapshotWork {
  /** undefined: none is. */
  readonly wanted: { readonly id: string; readonly matches: (key: KeyName) => boolean } | undefined;
  /** A shard has published its part, or is none any more. */
  advanced(): void;
}

/** One shard's part of a snapshot. */
export interface SnapshotPart {
  readonly isDone: boolean;
  readonly done: number;
  /** undefined: it has not begun. */
  readonly total: number | undefined;
}

export interface SnapshotsOptions {
  readonly source: string;
  readonly notes: Notes;
  /** Of all masters and databases; empty before they are known. */
  readonly parts: (id: string) => readonly SnapshotPart[];
  /** A snapshot is wanted: shards look at `wanted`. */
  readonly onWanted: () => void;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly randomId: () => string;
}

/** The snapshots of a source, one at a time. One that a restart cut short begins again. */
export class Snapshots implements SnapshotWork {
  readonly #options: SnapshotsOptions;
  readonly #note: string;
  readonly #turns = new Turns();
  #wanted: (Snapshot & { readonly matches: (key: KeyName) => boolean }) | undefined;
  #isEnding = false;
  #last: SnapshotStatus | undefined;

  constructor(options: SnapshotsOptions) {
    this.#options = options;
    this.#note = `snapshot/${options.source}`;
    const noted = options.notes.get(this.#note);
    if (noted !== undefined) this.#begin(JSON.parse(noted) as Snapshot);
  }

  get wanted(): SnapshotWork['wanted'] {
    return this.#wanted;
  }

  /** undefined: there has been none since the start. */
  get status(): SnapshotStatus | undefined {
    if (this.#wanted === undefined) return this.#last;
    const { id, match, startedAt } = this.#wanted;
    return { id, match, startedAt, ...this.#progress(this.#options.parts(id)), endedAt: null };
  }

  /**
   * Begins a snapshot; resolves once it is sure to outlive a restart. While one of the same keys is under way, it is that one.
   * @throws KF_BUSY while one of other keys is under way; KF_STATE_STORE
   */
  request(match: string | null): Promise<Snapshot> {
    return this.#turns.take(async () => {
      const { source, notes, clock, randomId, onWanted } = this.#options;
      if (this.#wanted !== undefined && this.#wanted.match !== match) {
        const what = this.#wanted.match === null ? 'all keys' : JSON.stringify(this.#wanted.match);
        throw new KeyferryError('KF_BUSY', `a snapshot of ${what} is under way at source ${source}: wait for its end`);
      }
      if (this.#wanted === undefined) {
        const snapshot = { id: randomId(), match, startedAt: clock.now() };
        await notes.set(this.#note, JSON.stringify(snapshot));
        this.#begin(snapshot);
        onWanted();
      }
      const { id, startedAt } = this.#wanted ?? { id: '', startedAt: 0 };
      return { id, match, startedAt };
    });
  }

  /** Masters come and go in one turn of the event loop: looked at behind it, none is missing. */
  advanced(): void {
    setImmediate(() => {
      this.#look();
    });
  }

  #begin(snapshot: Snapshot): void {
    const { match } = snapshot;
    // A restart takes it up again: one that backtracks for hours over one key would do so for ever.
    this.#wanted = { ...snapshot, matches: match === null ? () => true : keyGlob(match) };
    this.#options.logger.info({ snapshot: snapshot.id, match }, 'a snapshot begins: keys are published again');
  }

  #look(): void {
    const { parts } = this.#options;
    const each = this.#wanted === undefined || this.#isEnding ? [] : parts(this.#wanted.id);
    if (each.length === 0 || each.some(({ isDone }) => !isDone)) return;
    this.#isEnding = true;
    void this.#turns.take(() => this.#end(this.#progress(each)));
  }

  /** It is told to have ended once a restart would not begin it again. */
  async #end(progress: Pick<SnapshotStatus, 'done' | 'total'>): Promise<void> {
    const { clock, logger, notes } = this.#options;
    if (this.#wanted === undefined) return;
    const { id, match, startedAt } = this.#wanted;
    await notes.set(this.#note, undefined).catch((error: unknown) => {
      logger.error({ err: error, snapshot: id }, 'the end of the snapshot cannot be noted: a restart begins it again');
    });
    this.#isEnding = false;
    this.#wanted = undefined;
    this.#last = { id, match, startedAt, ...progress, endedAt: clock.now() };
    logger.info({ snapshot: id, match, keys: progress.done }, 'the snapshot is on the topic');
  }

  /** Masters that have not begun are taken to have as many keys as the others. */
  #progress(parts: readonly SnapshotPart[]): { readonly done: number; readonly total: number } {
    const totals = parts.flatMap(({ total }) => total ?? []);
    const begun = totals.reduce((sum, total) => sum + total, 0);
    const done = parts.reduce((sum, part) => sum + part.done, 0);
    const total = totals.length === 0 ? 0 : Math.round((begun / totals.length) * parts.length);
    return { done, total: Math.max(total, done) };
  }
}
