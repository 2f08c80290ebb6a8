import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { SinkFixture, text } from '../integration/sink-fixture.ts';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';

const KEYS = 2_000;
const ROUNDS = 60;

describe('the daemon with a sink', () => {
  const fixture = new SinkFixture();

  const startDaemon = async (): Promise<Daemon> => {
    const daemon = await Daemon.create({
      redis: { url: fixture.server.url },
      kafka: { brokers: [...inject('kafkaBrokers')] },
      sinks: [{ name: 'mirror', topics: [fixture.topic], group: fixture.group }],
    });
    onTestFinished(() => daemon.dispose());
    await daemon.start();
    return daemon;
  };
  const sendRounds = async (): Promise<void> => {
    for (let round = 1; round <= ROUNDS; round += 1) {
      await fixture.send(...Array.from({ length: KEYS }, (_, at) => text(`key${at}`, String(round))));
    }
  };
  const rounds = async (): Promise<readonly (string | null)[]> => [
    ...new Set(await fixture.redis.mget(Array.from({ length: KEYS }, (_, at) => `key${at}`))),
  ];
  const areDone = async (): Promise<boolean> => (await rounds()).join() === String(ROUNDS);

  test('I5: loses nothing and ends in the last states when it is killed under load, again and again', async () => {
    const daemon = await startDaemon();
    const sending = sendRounds();
    for (let kills = 0; kills < 5; kills += 1) {
      const before = await rounds();
      await eventually(async () => (await rounds()).join() !== before.join() || (await areDone()), {
        what: 'records to be applied',
        timeoutMs: 180_000,
      });
      await daemon.kill();
      await daemon.start();
    }
    await sending;
    // A member that was killed keeps its partition until its session has ended.
    await eventually(areDone, { timeoutMs: 240_000, what: 'the last states' });
  });

  test('commits what it has applied when it is told to stop', async () => {
    const daemon = await startDaemon();
    await sendRounds();
    await eventually(areDone, { timeoutMs: 180_000, what: 'the last states' });
    expect(await daemon.stop()).toBe(0);
    const kafka = new Kafka({ brokers: [...inject('kafkaBrokers')], logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    const [committed] = await admin.fetchOffsets({ groupId: fixture.group, topics: [fixture.topic] });
    await admin.disconnect();
    expect(committed?.partitions).toMatchObject([{ partition: 0, offset: String(KEYS * ROUNDS) }]);
  });
});
