import { describe, expect, it } from 'vitest';
import { decodeState, encodeState } from '../../../src/codecs/key-record.ts';
import { headerWriter, publishedHeaders, readKeyRecordHeaders } from '../../../src/codecs/record-headers.ts';
import { redisTypeOf } from '../../../src/core/key-state.ts';
import { inFieldOrder } from '../../support/states.ts';
import { recordFixtures } from './record-fixture.ts';

describe('records of version 1', () => {
  it.each(recordFixtures)('$name: the encoder writes exactly these bytes', ({ state, format, value }) => {
    const bytes = state === undefined ? undefined : encodeState(state, format);
    expect(bytes?.toString('latin1')).toBe(value?.toString('latin1'));
  });

  it.each(recordFixtures)('$name: the headers are written exactly so, in this order', ({ headers, state }) => {
    const known = readKeyRecordHeaders(headers);
    const { op, redisType, ts, expireAt } = known;
    const writer = headerWriter(known);
    const written = op === 'set' ? writer.set({ redisType, expireAt, ts }) : writer.gone({ op, redisType, ts });
    expect([...written]).toEqual([...headers]);
    expect(state === undefined).toBe(op !== 'set');
  });

  it.each(recordFixtures)('$name: the decoder reads the state', ({ value, headers, state }) => {
    if (value === undefined || state === undefined) {
      expect(value).toBe(state);
      return;
    }
    const known = readKeyRecordHeaders(headers);
    expect(inFieldOrder(decodeState(value, known))).toEqual(state);
    expect(known.redisType).toBe(redisTypeOf(state.value));
    expect(known.expireAt).toBe(state.expireAt);
    expect(publishedHeaders(headers)).toEqual({ redisType: known.redisType, expireAt: known.expireAt });
  });
});
