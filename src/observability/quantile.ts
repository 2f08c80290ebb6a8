/** How many observations are not above the bound: cumulative, as Prometheus has them. */
export interface Bucket {
  readonly bound: number;
  readonly count: number;
}

/**
 * As Prometheus' histogram_quantile: evenly spread within a bucket; beyond the last finite bound, that bound.
 * @param buckets in the order of their bounds, the last one +Inf.
 * @returns undefined where nothing was observed.
 */
export const quantile = (buckets: readonly Bucket[], share: number): number | undefined => {
  const total = buckets.at(-1)?.count ?? 0;
  if (total <= 0) return undefined;
  const rank = share * total;
  let below: Bucket = { bound: 0, count: 0 };
  for (const bucket of buckets) {
    if (bucket.count >= rank) {
      if (bucket.bound === Infinity) return below.bound;
      const part = bucket.count === below.count ? 1 : (rank - below.count) / (bucket.count - below.count);
      return below.bound + (bucket.bound - below.bound) * part;
    }
    below = bucket;
  }
  return below.bound;
};
