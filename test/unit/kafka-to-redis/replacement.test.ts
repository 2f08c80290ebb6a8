import { describe, expect, test } from 'vitest';
import type { KeyValue, StreamState } from '../../../src/core/key-state.ts';
import { replacementOf } from '../../../src/kafka-to-redis/apply/replacement.ts';

const bytes = (...texts: string[]): Buffer[] => texts.map((each) => Buffer.from(each));
const shown = (value: KeyValue, expireAt?: number): (string | number)[] =>
  replacementOf({ value, expireAt }).map((each) => (Buffer.isBuffer(each) ? each.toString() : each));
const stream = (state: Partial<StreamState>): KeyValue => ({
  type: 'stream',
  stream: { lastId: '9-0', entries: [], groups: [], ...state },
});
const entries = (...ids: string[]) => ids.map((id) => ({ id, fields: bytes('f', 'v') }));

describe('a state as the replace script takes it', () => {
  test('begins with its verb, its expiry and the number of values that follow', () => {
    expect(shown({ type: 'string', value: Buffer.from('v') }, 123)).toEqual(['string', 123, 1, 'v']);
    expect(shown({ type: 'list', items: bytes('a', 'b') })).toEqual(['list', '', 2, 'a', 'b']);
  });

  test('puts the scores of a sorted set before its members', () => {
    const value: KeyValue = { type: 'zset', entries: bytes('a', '1', 'b', '-inf') };
    expect(shown(value)).toEqual(['zset', '', 4, '1', 'a', '-inf', 'b']);
  });

  test('names the expiring fields of a hash before its fields', () => {
    const hash = { type: 'hash', entries: bytes('a', '1', 'b', '2') } as const;
    expect(shown({ ...hash, fieldExpireAt: [undefined, 77] })).toEqual([
      'expiring-hash',
      '',
      7,
      1,
      'b',
      77,
      'a',
      '1',
      'b',
      '2',
    ]);
    expect(shown({ ...hash, fieldExpireAt: [undefined, undefined] })).toEqual(['hash', '', 4, 'a', '1', 'b', '2']);
  });

  test('lists the groups of a stream, then its entries', () => {
    const value = stream({ entries: entries('1-1', '1-2'), groups: [{ name: Buffer.from('g'), lastId: '1-1' }] });
    expect(shown(value)).toEqual(['stream', '', 12, '9-0', 1, 'g', '1-1', '1-1', 2, 'f', 'v', '1-2', 2, 'f', 'v']);
  });

  test.each([
    ['IDs that do not ascend', stream({ entries: entries('1-2', '1-1') })],
    ['one ID twice', stream({ entries: entries('1-1', '1-1') })],
    ['the ID 0-0', stream({ entries: entries('0-0') })],
    ['a last ID before its last entry', stream({ lastId: '1-0', entries: entries('1-1') })],
    [
      'an entry that no script can write',
      stream({ entries: [{ id: '1-1', fields: Array<Buffer>(8_000).fill(Buffer.from('x')) }] }),
    ],
  ])('refuses a stream with %s before anything is touched', (_, value) => {
    expect(() => replacementOf({ value, expireAt: undefined })).toThrow(
      expect.objectContaining({ code: 'KF_RECORD_UNREADABLE' }) as Error,
    );
  });

  test('compares stream IDs beyond the precision of a double', () => {
    const ascending = stream({
      lastId: '18446744073709551615-2',
      entries: entries('9007199254740992-1', '9007199254740993-0'),
    });
    expect(shown(ascending)[0]).toBe('stream');
  });

  test('cannot be made of a value that did not travel', () => {
    const value: KeyValue = { type: 'omitted', redisType: 'hash', bytes: 5_000_000 };
    expect(() => replacementOf({ value, expireAt: undefined })).toThrow(
      expect.objectContaining({ code: 'KF_RECORD_OMITTED' }) as Error,
    );
  });
});
