import { defineConfig } from 'vitest/config';

/**
 * Fast projects do no I/O; the others run against the real servers that test/support/global-setup.ts starts. A time limit is there to
 * end what hangs, never to measure.
 */
const pure = (name: string) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout: 60_000, hookTimeout: 60_000 },
});
const real = (name: string, timeoutMs: number, ...globalSetup: readonly string[]) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    globalSetup: ['test/support/global-setup.ts', ...globalSetup],
    setupFiles: ['test/support/dispose.ts'],
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
    fileParallelism: false,
    // kafkajs sets timers in the past, which does no harm; tests read topics with it.
    execArgv: ['--disable-warning=TimeoutNegativeWarning'],
  },
});

/** Helm and what it renders; real Redis servers, no Kafka. */
const chart = {
  test: {
    name: 'chart',
    include: ['test/chart/**/*.test.ts'],
    setupFiles: ['test/support/dispose.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    fileParallelism: false,
  },
};

export default defineConfig({
  test: {
    projects: [
      pure('unit'),
      pure('property'),
      chart,
      real('contract', 120_000),
      real('integration', 120_000),
      real('page', 300_000, 'test/page/screenshots.ts'),
      real('e2e', 300_000),
    ],
  },
});
