import type { TestProject } from 'vitest/node';
import { prepareProcesses } from './process-provider.ts';
import { disposeStack, stackKind, stackProvider } from './provider.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The Kafka that all test files of a run share: they use topics and groups of their own. */
    kafkaBrokers: readonly string[];
  }
}

/** Each project loads this file anew, in one process: the shared broker is kept where all of them find it. */
const shared = globalThis as { keyferryBroker?: { users: number; readonly brokers: Promise<readonly string[]> } };

/** Starts the shared Kafka with the first project. KEYFERRY_TEST_KAFKA_BROKERS names one that runs already instead. */
export const setup = async (project: TestProject): Promise<void> => {
  shared.keyferryBroker ??= { users: 0, brokers: startBroker() };
  shared.keyferryBroker.users += 1;
  project.provide('kafkaBrokers', await shared.keyferryBroker.brokers);
};

export const teardown = async (): Promise<void> => {
  const broker = shared.keyferryBroker;
  if (broker === undefined) return;
  broker.users -= 1;
  if (broker.users > 0) return;
  delete shared.keyferryBroker;
  await disposeStack();
};

const startBroker = async (): Promise<readonly string[]> => {
  const kind = await stackKind();
  // Decided once: the workers inherit it.
  process.env['KEYFERRY_TEST_STACK'] = kind;
  if (kind === 'processes') await prepareProcesses();
  const running = process.env['KEYFERRY_TEST_KAFKA_BROKERS'];
  if (running !== undefined) return running.split(',');
  return (await (await stackProvider()).startKafka()).brokers;
};
