import { describe, expect, it } from 'vitest';
import { encodeJsonState } from '../../../src/codecs/json-encode.ts';
import { PackedStrings, unpackedValue } from '../../../src/codecs/packed-strings.ts';
import type { KeyValue, PackedType } from '../../../src/core/key-state.ts';
import { packed } from './packed-fixture.ts';

const texts = (...all: string[]): Buffer[] => all.map((text) => Buffer.from(text));
const state = (redisType: PackedType, strings: readonly Buffer[]) => ({
  value: { type: 'packed', redisType, strings: packed(strings) } as const,
  expireAt: 7,
});
const json = (value: KeyValue): string => encodeJsonState({ value, expireAt: 7 }).toString();

describe('packed strings', () => {
  it('are found again whatever their length', () => {
    const strings = [0, 1, 31, 32, 255, 256, 65_535, 65_536].map((length) => Buffer.alloc(length, 'x'));
    expect(unpackedValue(state('list', strings).value)).toEqual({ type: 'list', items: strings });
  });

  it('are found again whatever their number', () => {
    for (const count of [0, 1, 15, 16, 65_535, 65_536]) {
      const table = new PackedStrings();
      table.load(packed(Array.from({ length: count }, (_, at) => Buffer.from(String(at)))));
      expect(table.count).toBe(count);
      if (count > 0) expect(table.at(count - 1).toString()).toBe(String(count - 1));
    }
  });

  it('are told from bytes that are none', () => {
    const table = new PackedStrings();
    expect(() => {
      table.load(Buffer.from('nonsense'));
    }).toThrow(RangeError);
    expect(() => {
      table.load(packed(texts('abc')).subarray(0, 3));
    }).toThrow(RangeError);
  });

  it.each<[PackedType, Buffer[]]>([
    ['hash', texts('b', '2', 'a', '1', '', 'é"\n', 'aa', '')],
    ['hash', [...texts('bytes'), Buffer.from([0xff, 0x00])]],
    ['hash', Array.from({ length: 200 }, (_, at) => Buffer.from(String((at * 7919) % 1000)))],
    ['list', texts('b', 'a', 'b')],
    ['set', texts('10', '9', 'a', '')],
    ['zset', texts('b', '1', 'a', '1', 'c', '-inf', 'd', '0.1')],
  ])('give the JSON that they give each by itself: %s', (type, strings) => {
    const { value } = state(type, strings);
    expect(json(value)).toBe(json(unpackedValue(value)));
  });
});
