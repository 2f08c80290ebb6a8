import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = join(import.meta.dirname, '../fixtures/murmur2.tsv');
const PARTITION_COUNTS = [1, 3, 6, 12, 100] as const;
export type FixturePartitions = (typeof PARTITION_COUNTS)[number];

const lines = (): string[][] =>
  readFileSync(FILE, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'));

/** Keys and their hash, as the Java client computes it. */
export const javaHashes = (): { key: Buffer; hash: number }[] =>
  lines().map(([key = '', hash]) => ({ key: Buffer.from(key, 'base64'), hash: Number(hash) }));

/** Keys and the partition that the Java client gives them. */
export const javaPartitions = (partitions: FixturePartitions): { key: Buffer; partition: number }[] =>
  lines().map(([key = '', , ...placed]) => ({
    key: Buffer.from(key, 'base64'),
    partition: Number(placed[PARTITION_COUNTS.indexOf(partitions)]),
  }));
