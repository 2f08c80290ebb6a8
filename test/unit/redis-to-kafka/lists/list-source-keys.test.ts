import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { slotOf } from '../../../../src/clients/redis/cluster/slots.ts';
import { isReserved, keyName } from '../../../../src/core/key-name.ts';
import { recordKeyOf } from '../../../../src/redis-to-kafka/lists/item-records.ts';
import { listKeys } from '../../../../src/redis-to-kafka/lists/list-keys.ts';

const bytes = fc
  .array(fc.oneof(fc.constantFrom(...Buffer.from('{}:a')), fc.integer({ min: 0, max: 255 })), { maxLength: 12 })
  .map((numbers) => Buffer.from(numbers));
const source = fc.stringMatching(/^[a-z.]{1,3}$/);

describe('the keys that a list source keeps beside a list', () => {
  test('are spelled so that people find them', () => {
    const { processing, mark } = listKeys(Buffer.from('jobs'), 'queue');
    expect(String(processing)).toBe('__keyferry__:list:{jobs}:jobs:queue');
    expect(String(mark)).toBe('__keyferry__:list-mark:{jobs}:jobs:queue');
    expect(String(listKeys(Buffer.from('jobs:{eu}:high'), 'q').processing)).toBe(
      '__keyferry__:list:{eu}:jobs:{eu}:high:q',
    );
  });

  test('stand in the slot of the list, whatever its name, and never reach a topic', () => {
    fc.assert(
      fc.property(bytes, source, (list, name) => {
        const { processing, mark } = listKeys(list, name);
        for (const key of [processing, mark]) {
          expect(slotOf(key)).toBe(slotOf(list));
          expect(isReserved(keyName(key))).toBe(true);
        }
      }),
    );
  });

  test('are different for different lists and sources', () => {
    fc.assert(
      fc.property(bytes, source, bytes, source, (one, oneSource, other, otherSource) => {
        fc.pre(!one.equals(other) || oneSource !== otherSource);
        const names = [listKeys(one, oneSource), listKeys(other, otherSource)].flatMap(({ processing, mark }) => [
          String(keyName(processing)),
          String(keyName(mark)),
        ]);
        expect(new Set(names).size).toBe(4);
      }),
    );
  });
});

describe('the record key of a list', () => {
  test('is the template with the bytes of its name, or none', () => {
    const list = Buffer.from([0xff, 0x00]);
    expect(recordKeyOf(undefined, list)).toBeNull();
    expect(recordKeyOf('{key}', list)).toEqual(list);
    expect(recordKeyOf('queue:{key}!', list)).toEqual(Buffer.concat([Buffer.from('queue:'), list, Buffer.from('!')]));
  });
});
