const SEED = 0x9747b28c;
const MIX = 0x5bd1e995;

/** Kafka's murmur2, as the Java client computes it: a signed 32-bit integer. */
export const murmur2 = (data: Buffer): number => {
  const length = data.length;
  const tail = length & ~3;
  let hash = SEED ^ length;
  for (let at = 0; at < tail; at += 4) {
    let word = data.readInt32LE(at);
    word = Math.imul(word, MIX);
    word ^= word >>> 24;
    word = Math.imul(word, MIX);
    hash = Math.imul(hash, MIX) ^ word;
  }
  if (tail < length) {
    for (let at = length - 1; at >= tail; at -= 1) hash ^= data.readUInt8(at) << ((at - tail) * 8);
    hash = Math.imul(hash, MIX);
  }
  hash ^= hash >>> 13;
  hash = Math.imul(hash, MIX);
  return hash ^ (hash >>> 15);
};

/** The partition that the Java client's default partitioner gives a key, among `partitions` of them. */
export const partitionOf = (key: Buffer, partitions: number): number => (murmur2(key) & 0x7fffffff) % partitions;
