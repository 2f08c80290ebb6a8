import { describe, expect, it } from 'vitest';
import { KeyferryError } from '../../../src/core/errors.ts';
import { letter } from '../../../src/dead-letters/letter.ts';

const headers = new Map([['kf-id', Buffer.from('1-1')]]);
const record = { key: Buffer.from('k'), value: Buffer.from([0xff]), headers };
const error = new KeyferryError('KF_RECORD_KEY_MISSING', 'the entry has no field "x"');

describe('a dead letter', () => {
  it('is the record unchanged, with where it stands and why it is dead in further headers', () => {
    const place = { topic: 'orders', partition: '3', offset: '17' };
    const written = letter({ record, place, stage: 'TASK_PUT', error }, { flow: 'copy', topic: 'orders.dead' });
    expect(written).toMatchObject({ topic: 'orders.dead', key: record.key, value: record.value });
    expect(Object.fromEntries([...written.headers].map(([name, bytes]) => [name, bytes.toString()]))).toEqual({
      'kf-id': '1-1',
      '__connect.errors.topic': 'orders',
      '__connect.errors.partition': '3',
      '__connect.errors.offset': '17',
      '__connect.errors.connector.name': 'copy',
      '__connect.errors.stage': 'TASK_PUT',
      '__connect.errors.exception.class.name': 'KF_RECORD_KEY_MISSING',
      '__connect.errors.exception.message': 'the entry has no field "x"',
    });
    expect([...headers.keys()]).toEqual(['kf-id']);
  });

  it('says of a place only what there is', () => {
    const written = letter({ record, place: { topic: 't' }, stage: 'KEY_CONVERTER', error }, { flow: 'f', topic: 'd' });
    expect(written.headers.has('__connect.errors.offset')).toBe(false);
  });
});
