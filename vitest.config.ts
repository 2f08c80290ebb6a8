import { defineConfig } from 'vitest/config';

/**
 * Fast projects do no I/O; the others run against the real servers that test/support/global-setup.ts starts. A time limit is there to
 * end what hangs, never to measure.
 */
const pure = (name: string) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout: 120_000, hookTimeout: 120_000 },
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
    testTimeout: 600_000,
    hookTimeout: 600_000,
    fileParallelism: false,
  },
};

export default defineConfig({
  test: {
    projects: [
      pure('unit'),
      pure('property'),
      chart,
      real('contract', 300_000),
      real('integration', 300_000),
      real('page', 600_000, 'test/page/screenshots.ts'),
      real('e2e', 600_000),
    ],
  },
});
