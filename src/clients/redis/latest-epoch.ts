/** So long after the last answer of the latest epoch an older one is believed: the servers were set up anew. */
const FORGET_AFTER_MS = 30_000;

/**
 * Tells answers of now from those of a server that was left behind in a partition: each change of a master is made in
 * an epoch of its own, and whoever knows of it has at least that epoch.
 */
export class LatestEpoch {
  #epoch = 0;
  #seenMs = 0;

  /**
   * The answers of the latest epoch among them; none where all are of an older one than was seen before.
   * @param nowMs monotonic.
   */
  of<T extends { readonly epoch: number }>(answers: readonly T[], nowMs: number): readonly T[] {
    const newest = Math.max(0, ...answers.map(({ epoch }) => epoch));
    if (newest < this.#epoch && nowMs - this.#seenMs < FORGET_AFTER_MS) return [];
    this.#epoch = newest;
    this.#seenMs = nowMs;
    return answers.filter(({ epoch }) => epoch === newest);
  }
}
