import { expect, test } from 'vitest';
import { headerWriter } from '../../../src/codecs/record-headers.ts';
import { isOwnRecord } from '../../../src/kafka-to-redis/consume/own-records.ts';

const headersOf = (origin: string, db: number) =>
  headerWriter({ origin, db }).gone({ op: 'del', redisType: 'string', ts: 1 });

test('I7: a record is own by its origin and its database together', () => {
  const isOwn = isOwnRecord('this Redis', 3);
  expect(isOwn(headersOf('this Redis', 3))).toBe(true);
  expect(isOwn(headersOf('this Redis', 0))).toBe(false);
  expect(isOwn(headersOf('another', 3))).toBe(false);
  expect(isOwn(new Map())).toBe(false);
});
