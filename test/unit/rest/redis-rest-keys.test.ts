import { describe, expect, it } from 'vitest';
import { parseKeySpecs, writtenPlaces } from '../../../src/rest/redis-rest/key-positions.ts';
import type { RestReply } from '../../../src/rest/redis-rest/reply.ts';

const text = (value: string): Buffer => Buffer.from(value);
/** As RESP2 writes it. */
const map = (fields: Record<string, RestReply>): RestReply =>
  Object.entries(fields).flatMap(([name, value]) => [text(name), value]);

const spec = (flags: readonly string[], index: number, find: RestReply): RestReply =>
  map({
    flags: flags.map(text),
    begin_search: map({ type: text('index'), spec: map({ index: String(index) }) }),
    find_keys: find,
  });
const range = (lastkey: number, keystep: number, limit = 0): RestReply =>
  map({ type: text('range'), spec: map({ lastkey: String(lastkey), keystep: String(keystep), limit: String(limit) }) });
const count = (keynumidx: number, firstkey: number): RestReply =>
  map({
    type: text('keynum'),
    spec: map({ keynumidx: String(keynumidx), firstkey: String(firstkey), keystep: '1' }),
  });

const keysOf = (specs: readonly RestReply[], line: string): readonly (string | undefined)[] => {
  const [, ...args] = line.split(' ');
  const parsed = parseKeySpecs(specs);
  if (parsed === undefined) throw new Error('the server is to be asked');
  return writtenPlaces(parsed, args).map((place) => args[place - 1]);
};

describe('the keys that a command writes', () => {
  it('are found where they stand at fixed places', () => {
    expect(keysOf([spec(['RW'], 1, range(0, 1))], 'SET k v EX 10')).toEqual(['k']);
    expect(keysOf([spec(['RM'], 1, range(-1, 1))], 'DEL a b c')).toEqual(['a', 'b', 'c']);
    expect(keysOf([spec(['OW'], 1, range(-1, 2))], 'MSET a 1 b 2')).toEqual(['a', 'b']);
    expect(keysOf([spec(['RM'], 1, range(-2, 1))], 'BLPOP a b 0')).toEqual(['a', 'b']);
    expect(keysOf([spec(['RW'], 1, range(-1, 1, 2))], 'X a b 1 2')).toEqual(['a', 'b']);
    expect(keysOf([spec(['RW'], 2, range(0, 1))], 'XGROUP CREATE s g $')).toEqual(['s']);
  });

  it('are found where a count tells how many', () => {
    const evaluation = [spec(['RW'], 2, count(0, 1))];
    expect(keysOf(evaluation, 'EVAL script 2 a b argument')).toEqual(['a', 'b']);
    expect(keysOf(evaluation, 'EVAL script 0 argument')).toEqual([]);
    expect(keysOf(evaluation, 'EVAL script many a')).toEqual([]);
    expect(keysOf(evaluation, 'EVAL script 9 a')).toEqual(['a']);
  });

  it('are those that are written, of several kinds', () => {
    const specs = [spec(['OW', 'update'], 1, range(0, 1)), spec(['RO', 'access'], 2, count(0, 1))];
    expect(keysOf(specs, 'ZUNIONSTORE target 2 a b')).toEqual(['target']);
  });

  it('are all of them where the server says of none that it is written', () => {
    expect(keysOf([spec(['RO', 'access'], 1, range(0, 1))], 'XACKALL s')).toEqual(['s']);
  });

  it('only the server can tell where they stand behind a word, or are not all described', () => {
    const byWord = map({ type: text('keyword'), spec: map({ keyword: text('STREAMS'), startfrom: '1' }) });
    const behindWord = map({ flags: [text('RO')], begin_search: byWord, find_keys: range(-1, 1, 2) });
    expect(parseKeySpecs([behindWord])).toBeUndefined();
    expect(parseKeySpecs([spec(['RO', 'incomplete'], 1, range(0, 1))])).toBeUndefined();
    expect(parseKeySpecs([])).toEqual([]);
  });

  it('are none where arguments lack, for Redis to refuse', () => {
    expect(keysOf([spec(['RW'], 1, range(0, 1))], 'SET')).toEqual([]);
    expect(keysOf([spec(['RM'], 1, range(-1, 1))], 'DEL')).toEqual([]);
  });
});
