import type { RecordBatch } from '../../clients/kafka/port.ts';

/** How far a sink is behind, by partition, as its last batches told. */
export class Lag {
  readonly #behind = new Map<string, number | undefined>();

  /** A batch was applied. */
  applied({ topic, partition, behind }: RecordBatch): void {
    this.#behind.set(`${topic}/${partition}`, behind);
  }

  /** The partitions were given back: others may have them now. */
  forget(): void {
    this.#behind.clear();
  }

  /** Records that are still to come; undefined until every partition that brought records has told. */
  total(): number | undefined {
    let total: number | undefined;
    for (const behind of this.#behind.values()) {
      if (behind === undefined) return undefined;
      total = (total ?? 0) + behind;
    }
    return total;
  }

  byPartition(): Readonly<Record<string, number | undefined>> {
    return Object.fromEntries(this.#behind);
  }
}
