import { describe, expect, it } from 'vitest';
import { murmur2, partitionOf } from '../../../../src/clients/kafka/murmur2.ts';
import { javaHashes, javaPartitions } from '../../../support/murmur2-fixture.ts';

describe('murmur2', () => {
  it('gives every key the hash that the Java client gives it', () => {
    const different = javaHashes().filter(({ key, hash }) => murmur2(key) !== hash);
    expect(different).toEqual([]);
  });

  it.each([1, 3, 6, 12, 100] as const)(
    'puts every key where the Java client does, among %i partitions',
    (partitions) => {
      const misplaced = javaPartitions(partitions).filter(
        ({ key, partition }) => partitionOf(key, partitions) !== partition,
      );
      expect(misplaced).toEqual([]);
    },
  );
});
