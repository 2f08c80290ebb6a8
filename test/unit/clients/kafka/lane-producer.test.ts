import { describe, expect, it } from 'vitest';
import { LaneProducer, type LaneTransport } from '../../../../src/clients/kafka/lane-producer.ts';
import { type Lane, advance } from '../../../../src/clients/kafka/lanes.ts';
import type { OutgoingRecord } from '../../../../src/clients/kafka/port.ts';
import { KeyferryError } from '../../../../src/core/errors.ts';

const record = (partition: number, value: string): OutgoingRecord => ({
  topic: 't',
  partition,
  key: null,
  value: Buffer.from(value),
  headers: new Map(),
});

/** Takes one record a lane and attempt; fails where told, for good. */
class ScriptedTransport implements LaneTransport {
  readonly log: string[] = [];
  abandoned = 0;
  refuses: string | undefined;

  partitionCounts(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return Promise.resolve(new Map(topics.map((topic) => [topic, 2])));
  }

  sendNext(lanes: readonly Lane[]): Promise<void> {
    for (const lane of lanes) {
      const value = String(lane.records[lane.done]?.value);
      if (value === this.refuses) return Promise.reject(new KeyferryError('KF_KAFKA_REFUSED', value));
      this.log.push(value);
      advance(lane, 1, BigInt(this.log.length - 1));
    }
    return Promise.resolve();
  }

  abandon(): Promise<void> {
    this.abandoned += 1;
    return Promise.resolve();
  }

  translate(thrown: unknown): KeyferryError {
    return thrown as KeyferryError;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

describe('lane producer', () => {
  it('goes on where it stopped when the same array is sent again (I2)', async () => {
    const transport = new ScriptedTransport();
    const producer = new LaneProducer(transport);
    const batch = [record(0, 'a1'), record(1, 'b1'), record(0, 'a2'), record(0, 'a3')];
    transport.refuses = 'a2';
    await expect(producer.send(batch)).rejects.toMatchObject({ code: 'KF_KAFKA_REFUSED' });
    transport.refuses = undefined;
    const acknowledged = await producer.send(batch);
    expect(transport.log).toEqual(['a1', 'b1', 'a2', 'a3']);
    expect(acknowledged.map(({ partition, baseOffset }) => [partition, baseOffset])).toEqual([
      [0, 0n],
      [1, 1n],
    ]);
    expect(transport.abandoned).toBe(0);
  });

  it('says where each record stands, whatever came between the batches of its partition', async () => {
    const transport = new ScriptedTransport();
    const [a1, b1, a2, a3] = [record(0, 'a1'), record(1, 'b1'), record(0, 'a2'), record(0, 'a3')];
    const acknowledged = await new LaneProducer(transport).send([a1, b1, a2, a3]);
    const offsets = acknowledged.map((each) => [a1, b1, a2, a3].map((one) => each.offsetOf(one)));
    expect(offsets).toEqual([
      [0n, undefined, 2n, 3n],
      [undefined, 1n, undefined, undefined],
    ]);
    expect(acknowledged[0]?.offsetOf(record(0, 'a1'))).toBeUndefined();
  });

  it('abandons a rejected send when another array comes', async () => {
    const transport = new ScriptedTransport();
    const producer = new LaneProducer(transport);
    transport.refuses = 'a2';
    await expect(producer.send([record(0, 'a1'), record(0, 'a2')])).rejects.toThrow();
    await producer.send([record(0, 'c1')]);
    expect(transport.abandoned).toBe(1);
    await producer.send([record(0, 'c2')]);
    expect(transport.abandoned).toBe(1);
    expect(transport.log).toEqual(['a1', 'c1', 'c2']);
  });
});
