import type { Reconciler } from './converge/reconciler.ts';
import type { SnapshotPart, SnapshotWork } from './snapshots.ts';

/** One shard's part of the snapshot that is wanted: a reconcile of its keys as if the topic had none of them. */
export class ShardSnapshot {
  readonly #reconciler: Reconciler;
  readonly #work: SnapshotWork;
  #running: string | undefined;
  #ended: { readonly id: string; readonly keys: number } | undefined;
  /** Keys may have been missed by the run during which it grows. */
  #missed = 0;

  constructor(reconciler: Reconciler, work: SnapshotWork) {
    this.#reconciler = reconciler;
    this.#work = work;
  }

  get isDue(): boolean {
    const { wanted } = this.#work;
    return wanted !== undefined && wanted.id !== this.#ended?.id;
  }

  part(id: string): SnapshotPart {
    if (this.#ended?.id === id) return { isDone: true, done: this.#ended.keys, total: this.#ended.keys };
    const progress = this.#running === id ? this.#reconciler.progress : undefined;
    if (progress === undefined) return { isDone: false, done: 0, total: undefined };
    return { isDone: false, done: progress.keysDone, total: Math.max(progress.keysDone, progress.keysEstimated) };
  }

  /** Keys of it came from another master, or were forgotten before they were read: it begins again. */
  missedKeys(): void {
    this.#missed += 1;
    this.#ended = undefined;
  }

  /** @throws KF_REDIS_UNAVAILABLE and others of Redis; it then begins again. */
  async take(): Promise<void> {
    const { wanted } = this.#work;
    if (wanted === undefined) return;
    const before = this.#missed;
    this.#running = wanted.id;
    try {
      const keys = await this.#reconciler.run({ goneOp: 'del', again: wanted.matches });
      if (keys !== undefined && before === this.#missed) this.#ended = { id: wanted.id, keys };
    } finally {
      this.#running = undefined;
    }
    this.#work.advanced();
  }
}
