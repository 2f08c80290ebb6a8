import { describe, expect, it } from 'vitest';
import type { Acknowledgement, OutgoingRecord, RecordProducer } from '../../../src/clients/kafka/port.ts';
import { KeyferryError } from '../../../src/core/errors.ts';
import { Publisher } from '../../../src/redis-to-kafka/publish/publisher.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { silentLogger } from '../../support/silent-logger.ts';

const record = (key: string, bytes = 10): OutgoingRecord => ({
  topic: 't',
  key: Buffer.from(key),
  value: Buffer.alloc(bytes),
  headers: new Map(),
});
const keysOf = (records: readonly OutgoingRecord[]): string[] => records.map(({ key }) => String(key));
const unavailable = (): KeyferryError => new KeyferryError('KF_KAFKA_UNAVAILABLE', 'no broker');
const tooLarge = (): KeyferryError => new KeyferryError('KF_KAFKA_RECORD_TOO_LARGE', 'too large');

/** Answers each send as `answer` says; keeps what was sent and what was taken. */
const setUp = (answer: (records: readonly OutgoingRecord[], call: number) => Promise<void> | void) => {
  const sent: string[][] = [];
  const taken: string[] = [];
  let offset = 0n;
  const producer: RecordProducer = {
    send: async (records): Promise<readonly Acknowledgement[]> => {
      sent.push(keysOf(records));
      await answer(records, sent.length);
      const baseOffset = offset;
      offset += BigInt(records.length);
      taken.push(...keysOf(records));
      return [{ topic: 't', partition: 0, baseOffset, offsetOf: () => undefined }];
    },
    close: () => Promise.resolve(),
  };
  const clock = new FakeClock();
  const publisher = new Publisher({
    producer,
    prepare: () => Promise.resolve(),
    shrink: (large) => ((large.value?.length ?? 0) > 100 ? { ...large, value: Buffer.alloc(5) } : large),
    clock,
    logger: silentLogger,
    onRoom: () => undefined,
  });
  return { publisher, clock, sent, taken };
};

describe('publisher', () => {
  it('sends what comes during a send together in the next one, in order', async () => {
    let release = (): void => undefined;
    const { publisher, sent } = setUp((_, call) =>
      call === 1 ? new Promise((resolve) => (release = resolve)) : undefined,
    );
    const first = publisher.publish([record('a')]);
    while (sent.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const others = [publisher.publish([record('b'), record('c')]), publisher.publish([record('d')])];
    release();
    await Promise.all([first, ...others]);
    expect(sent).toEqual([['a'], ['b', 'c', 'd']]);
  });

  it('repeats a failed send unchanged until Kafka takes it, and lets nothing overtake it (I2)', async () => {
    const { publisher, clock, sent } = setUp((_, call) => {
      if (call <= 3) throw unavailable();
    });
    const first = publisher.publish([record('a')]);
    while (publisher.failure === undefined) await new Promise((resolve) => setImmediate(resolve));
    const second = publisher.publish([record('b')]);
    while (sent.length < 4) await clock.advance(100);
    await Promise.all([first, second]);
    expect(sent).toEqual([['a'], ['a'], ['a'], ['a'], ['b']]);
    expect(publisher.failure).toBeUndefined();
  });

  it('finds the one record that is too large, and publishes it shrunk, in its place', async () => {
    const { publisher, taken } = setUp((records) => {
      if (records.some(({ value }) => (value?.length ?? 0) > 100)) throw tooLarge();
    });
    await publisher.publish([record('a'), record('b', 500), record('c'), record('d')]);
    expect(taken).toEqual(['a', 'b', 'c', 'd']);
  });

  it('goes on trying a record that is too large even when shrunk, and says why it does not deliver', async () => {
    const { publisher, clock, sent } = setUp(() => {
      throw tooLarge();
    });
    const published = publisher.publish([record('a')]);
    while (sent.length < 3) await clock.advance(1_000);
    expect(publisher.failure?.code).toBe('KF_KAFKA_RECORD_TOO_LARGE');
    const drain = new AbortController();
    drain.abort();
    await publisher.close(drain.signal);
    await expect(published).resolves.toBeUndefined();
  });

  it('treats an error that it does not know as one that may pass', async () => {
    const { publisher, clock, sent } = setUp((_, call) => {
      if (call === 1) throw new TypeError('surprise');
    });
    const published = publisher.publish([record('a')]);
    while (sent.length < 2) await clock.advance(100);
    await expect(published).resolves.toHaveLength(1);
  });

  it('has no room when much waits, less of it for a reconcile (I9)', async () => {
    let release = (): void => undefined;
    const { publisher } = setUp(() => new Promise((resolve) => (release = resolve)));
    void publisher.publish([record('a', 2_000_000)]);
    expect([publisher.hasRoom('live'), publisher.hasRoom('background')]).toEqual([true, false]);
    const last = publisher.publish([record('b', 8_000_000)]);
    expect(publisher.hasRoom('live')).toBe(false);
    for (let turn = 0; turn < 20; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      release();
    }
    await last;
    expect([publisher.hasRoom('live'), publisher.hasRoom('background')]).toEqual([true, true]);
  });

  it('publishes what is queued before it closes', async () => {
    const { publisher, taken } = setUp(() => undefined);
    const published = [publisher.publish([record('a')]), publisher.publish([record('b')])];
    await publisher.close(new AbortController().signal);
    await Promise.all(published);
    expect(taken).toEqual(['a', 'b']);
    await expect(publisher.publish([record('c')])).resolves.toBeUndefined();
  });

  it('closes in time although Kafka is away, and tells that nothing was acknowledged (I4)', async () => {
    const { publisher, clock, sent } = setUp(() => {
      throw unavailable();
    });
    const published = publisher.publish([record('a')]);
    while (sent.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const drain = new AbortController();
    const closed = publisher.close(drain.signal);
    drain.abort();
    await clock.advance(10_000);
    await closed;
    await expect(published).resolves.toBeUndefined();
  });
});
