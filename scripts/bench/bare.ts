import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { KafkaClient } from '../../src/clients/kafka/connect.ts';

/** What a bare loop did, by its own measure. */
export interface BareResult {
  readonly perSecond: number;
  readonly cpuSecondsPerMillion: number;
}

/** A loop in a process of its own: nothing but a client library, doing one thing as fast as it can. */
export interface Bare {
  /** Resolves when it stands ready for what it waits for. */
  readonly ready: Promise<void>;
  readonly result: Promise<BareResult>;
}

export interface KafkaTask {
  readonly client: KafkaClient;
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly count: number;
}

export interface RedisTask {
  readonly url: string;
  readonly count: number;
}

export interface StreamTask extends RedisTask {
  readonly stream: string;
}

export type MirrorTask = KafkaTask & RedisTask;

const SCRIPTS = {
  subscriber: import.meta.resolve('./bare/subscriber.ts'),
  reader: import.meta.resolve('./bare/reader.ts'),
  streamReader: import.meta.resolve('./bare/stream-reader.ts'),
  producer: import.meta.resolve('./bare/producer.ts'),
  consumer: import.meta.resolve('./bare/consumer.ts'),
  mirror: import.meta.resolve('./bare/mirror.ts'),
};

interface Tasks {
  readonly subscriber: RedisTask;
  readonly reader: RedisTask;
  readonly streamReader: StreamTask;
  readonly producer: KafkaTask;
  readonly consumer: KafkaTask;
  readonly mirror: MirrorTask;
}

/** It writes `ready`, and at its end its result as JSON, to standard output. */
export const startBare = <Name extends keyof Tasks>(name: Name, task: Tasks[Name]): Bare => {
  const script = fileURLToPath(SCRIPTS[name]);
  const child = spawn(process.execPath, [script, JSON.stringify(task)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const line = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`the bare ${name} ended without a result`);
    return value;
  };
  const ready = line().then(() => undefined);
  const result = ready.then(async () => JSON.parse(await line()) as BareResult);
  const ended = once(child, 'exit');
  return { ready, result: result.finally(() => ended) };
};
