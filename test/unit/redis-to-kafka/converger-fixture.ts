import type { Acknowledgement, OutgoingRecord, RecordProducer } from '../../../src/clients/kafka/port.ts';
import { headerWriter } from '../../../src/codecs/record-headers.ts';
import type { KeyName } from '../../../src/core/key-name.ts';
import type { KeyOp } from '../../../src/core/key-record.ts';
import type { KeyState } from '../../../src/core/key-state.ts';
import { PauseSwitch } from '../../../src/core/pause-switch.ts';
import { Wakeup } from '../../../src/core/wakeup.ts';
import { AwaitedKeys } from '../../../src/redis-to-kafka/converge/awaited-keys.ts';
import { Converger } from '../../../src/redis-to-kafka/converge/converger.ts';
import type { Found, KeySource, LargeRead } from '../../../src/redis-to-kafka/converge/key-source.ts';
import { PendingKeys } from '../../../src/redis-to-kafka/converge/pending-keys.ts';
import { Publisher } from '../../../src/redis-to-kafka/publish/publisher.ts';
import { RecordMaker } from '../../../src/redis-to-kafka/publish/record-maker.ts';
import { topicRoute } from '../../../src/redis-to-kafka/publish/routing.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { silentLogger } from '../../support/silent-logger.ts';
import { MemoryStates } from '../../support/memory-states.ts';

export const key = (name: string): KeyName => name as KeyName;
export const string = (value: string, expireAt?: number): KeyState => ({
  value: { type: 'string', value: Buffer.from(value) },
  expireAt,
});
export const hash = (): KeyState => ({
  value: { type: 'hash', entries: [Buffer.from('f'), Buffer.from('v')] },
  expireAt: undefined,
});

/** What a key holds is what the test says it holds at the moment of the read. */
class ScriptedKeys implements KeySource {
  readonly states = new Map<string, Found | LargeRead>();
  reads: string[][] = [];
  /** Called before the answer: what happens while the read is on its way. */
  during: () => void | Promise<void> = () => undefined;

  async read(keys: readonly KeyName[]): Promise<readonly (Found | LargeRead)[]> {
    this.reads.push([...keys]);
    const answers = keys.map((name) => this.states.get(name));
    await this.during();
    return answers;
  }
  exist(keys: readonly KeyName[]): Promise<readonly boolean[]> {
    return Promise.resolve(keys.map((name) => this.states.has(name)));
  }
}

export const setUp = (topic = 't') => {
  const keys = new ScriptedKeys();
  const published = new MemoryStates();
  const log: string[] = [];
  const wakeup = new Wakeup();
  const clock = new FakeClock();
  const stop = new AbortController();
  const kafka: { hold: Promise<void> } = { hold: Promise.resolve() };
  const producer: RecordProducer = {
    send: async (records: readonly OutgoingRecord[]): Promise<readonly Acknowledgement[]> => {
      await kafka.hold;
      for (const { topic: to, key: name, value, headers } of records) {
        log.push(
          `${to === 't' ? '' : `${to} `}${String(name)}=${value === null ? String(headers.get('kf-op')) : String(value)}`,
        );
      }
      return [];
    },
    close: () => Promise.resolve(),
  };
  const records = new RecordMaker({
    route: topicRoute(topic, 's', 0),
    headers: headerWriter({ db: 0, origin: 'o' }),
    format: 'json',
  });
  const counted = new Map<KeyOp, number>();
  const pending = new PendingKeys({ maxBytes: 1_000_000, work: wakeup });
  const publisher = new Publisher({
    producer,
    prepare: () => Promise.resolve(),
    shrink: (record) => records.shrink(record),
    clock,
    logger: silentLogger,
    onRoom: () => {
      wakeup.notify();
    },
  });
  const awaited = new AwaitedKeys();
  const pause = new PauseSwitch();
  const converger = new Converger({
    pending,
    awaited,
    pause,
    wakeup,
    keys,
    published,
    publisher,
    records,
    format: 'json',
    maxValueBytes: 200,
    clock,
    logger: silentLogger,
    metrics: {
      published: (op, count) => counted.set(op, (counted.get(op) ?? 0) + count),
      unchanged: () => undefined,
      omitted: () => undefined,
      endToEnd: () => undefined,
    },
    onRead: () => undefined,
    onForgotten: () => undefined,
    signal: stop.signal,
  });
  const running = converger.run();
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    keys,
    published,
    pending,
    pause,
    wakeup,
    log,
    kafka,
    clock,
    counted,
    touch: (name: string, goneOp: 'del' | 'expired' | 'evicted' = 'del') =>
      pending.touch(key(name), goneOp, clock.now()),
    settled: async (): Promise<void> => {
      while (pending.size > 0) {
        await clock.advance(200);
        await turn();
      }
    },
    turns: async (count: number): Promise<void> => {
      for (let n = 0; n < count; n += 1) await turn();
    },
    end: async (): Promise<void> => {
      stop.abort();
      wakeup.notify();
      await publisher.close(stop.signal);
      await running;
    },
  };
};
