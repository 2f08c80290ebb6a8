/** How far each partition of a topic has been read, up to the ends that stood when the reading began. */
export class Positions {
  readonly #ends: ReadonlyMap<number, bigint>;
  readonly #open = new Map<number, bigint>();

  /** @param from first offset by partition; absent: the beginning */
  constructor(from: ReadonlyMap<number, bigint>, ends: ReadonlyMap<number, bigint>) {
    this.#ends = ends;
    for (const [partition, end] of ends) {
      const start = from.get(partition) ?? 0n;
      // Behind the end: the topic is not the one that the offset was taken from.
      this.moveTo(partition, start > end ? 0n : start);
    }
  }

  /** Next offset of each partition that is not at its end. */
  get open(): ReadonlyMap<number, bigint> {
    return this.#open;
  }

  end(partition: number): bigint {
    return this.#ends.get(partition) ?? 0n;
  }

  moveTo(partition: number, offset: bigint): void {
    if (offset < this.end(partition)) this.#open.set(partition, offset);
    else this.#open.delete(partition);
  }
}
