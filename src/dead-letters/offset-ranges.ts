/** Offsets of a partition, as few ranges as possible, ascending. */
export class OffsetRanges {
  /** First offset, and the one behind the last. */
  readonly #ranges: readonly (readonly [bigint, bigint])[];

  private constructor(ranges: readonly (readonly [bigint, bigint])[]) {
    this.#ranges = ranges;
  }

  /** @param text as `toString` gives it: `0-41,57-57`. */
  static parse(text: string): OffsetRanges {
    const ranges = text
      .split(',')
      .filter((range) => range !== '')
      .map((range) => {
        const [first = '', last = ''] = range.split('-');
        return [BigInt(first), BigInt(last) + 1n] as const;
      });
    return new OffsetRanges(ranges);
  }

  toString(): string {
    return this.#ranges.map(([first, end]) => `${first}-${end - 1n}`).join(',');
  }

  /** The offset itself where it is not among them; else the first one behind its range. */
  behind(offset: bigint): bigint {
    return this.#ranges.find(([first, end]) => first <= offset && offset < end)?.[1] ?? offset;
  }

  has(offset: bigint): boolean {
    return this.behind(offset) !== offset;
  }

  /** The next offset after all of them; 0 where there are none. */
  get end(): bigint {
    return this.#ranges.at(-1)?.[1] ?? 0n;
  }

  with(offset: bigint): OffsetRanges {
    if (this.has(offset)) return this;
    const merged: [bigint, bigint][] = [];
    const all = [...this.#ranges, [offset, offset + 1n] as const].toSorted(([a], [b]) => (a < b ? -1 : 1));
    for (const [first, end] of all) {
      const before = merged.at(-1);
      if (before?.[1] === first) before[1] = end;
      else merged.push([first, end]);
    }
    return new OffsetRanges(merged);
  }
}
