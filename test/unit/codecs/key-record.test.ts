import { describe, expect, it } from 'vitest';
import { fingerprintOf } from '../../../src/codecs/fingerprint.ts';
import { decodeState, encodeState } from '../../../src/codecs/key-record.ts';
import type { KeyState } from '../../../src/core/key-state.ts';

const payload = Buffer.from('AAF2CgCRCM6yGTiKzg==', 'base64');
const dump: KeyState = { value: { type: 'dump', redisType: 'string', payload }, expireAt: 7 };

describe('the value of a record', () => {
  it('in format dump is the payload, its type and expiry standing in the headers', () => {
    expect(encodeState(dump, 'dump')).toEqual(payload);
    expect(decodeState(payload, { redisType: 'string', expireAt: 7 })).toEqual(dump);
  });

  it('in format json holds a payload that has no JSON form of its own as base64', () => {
    const value = encodeState(dump, 'json');
    expect(value.toString()).toBe(`{"type":"string","dump":"${payload.toString('base64')}","expireAt":7}`);
    expect(decodeState(value, { redisType: 'ignored', expireAt: undefined })).toEqual(dump);
  });

  it('says in both formats that a value was left out', () => {
    const omitted: KeyState = { value: { type: 'omitted', redisType: 'list', bytes: 9 }, expireAt: undefined };
    for (const format of ['json', 'dump'] as const) {
      expect(encodeState(omitted, format).toString()).toBe('{"type":"list","omitted":true,"bytes":9}');
    }
  });

  it.each(['', 'hello', '[1]', ' {"type"'])('that is neither is refused: "%s"', (text) => {
    expect(() => decodeState(Buffer.from(text), { redisType: 'string', expireAt: undefined })).toThrow(
      expect.objectContaining({ code: 'KF_RECORD_UNREADABLE' }),
    );
  });
});

describe('a fingerprint', () => {
  it('stays the same for ever: stores on disk hold it', () => {
    expect(fingerprintOf(Buffer.from('{"type":"string","value":"v"}'), undefined)).toBe(4442193143662686803n);
    expect(fingerprintOf(payload, 7)).toBe(13679150285718358252n);
  });

  it('of a dump changes with the expiry, which the payload does not hold', () => {
    const fingerprints = [undefined, 1, 7].map((expireAt) => fingerprintOf(payload, expireAt));
    expect(new Set(fingerprints).size).toBe(3);
  });
});
