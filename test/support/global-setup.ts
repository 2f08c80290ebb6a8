import type { TestProject } from 'vitest/node';
import type { Engine } from './docker/engine.ts';
import { prepareProcesses } from './process-provider.ts';
import { disposeStack, stackKind, stackProvider } from './provider.ts';
import type { StackProvider } from './stack.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The Kafka that all test files of a run share: they use topics and groups of their own. */
    kafkaBrokers: readonly string[];
  }
}

interface Stack {
  readonly brokers: readonly string[];
  /** Where the servers run in containers. */
  readonly engine?: Engine;
}

/** Each project loads this file anew, in one process: the shared broker is kept where all of them find it. */
const shared = globalThis as { keyferryStack?: { users: number; readonly started: Promise<Stack> } };

/** Starts the shared Kafka with the first project. KEYFERRY_TEST_KAFKA_BROKERS names one that runs already instead. */
export const setup = async (project: TestProject): Promise<void> => {
  shared.keyferryStack ??= { users: 0, started: startStack() };
  shared.keyferryStack.users += 1;
  project.provide('kafkaBrokers', (await shared.keyferryStack.started).brokers);
};

export const teardown = async (): Promise<void> => {
  const stack = shared.keyferryStack;
  if (stack === undefined) return;
  stack.users -= 1;
  if (stack.users > 0) return;
  delete shared.keyferryStack;
  await disposeStack();
  await (await stack.started).engine?.close();
};

const startStack = async (): Promise<Stack> => {
  const kind = await stackKind();
  // Decided once: the workers inherit it.
  process.env['KEYFERRY_TEST_STACK'] = kind;
  const engine = await prepare(kind);
  const running = process.env['KEYFERRY_TEST_KAFKA_BROKERS'];
  const brokers = running?.split(',') ?? (await (await stackProvider()).startKafka()).brokers;
  return { brokers, ...(engine && { engine }) };
};

const prepare = async (kind: StackProvider['name']): Promise<Engine | undefined> => {
  if (kind === 'containers') return (await import('./docker/prepare-containers.ts')).prepareContainers();
  await prepareProcesses();
  return undefined;
};
