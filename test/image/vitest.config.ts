import { defineConfig } from 'vitest/config';

/** `npm run test:image`: the image, built and run by a real Docker engine, beside real servers. */
export default defineConfig({
  root: new URL('../..', import.meta.url).pathname,
  test: {
    name: 'image',
    include: ['test/image/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts', 'test/image/global-setup.ts'],
    setupFiles: ['test/support/dispose.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    fileParallelism: false,
    // kafkajs sets timers in the past, which does no harm; tests read topics with it.
    execArgv: ['--disable-warning=TimeoutNegativeWarning'],
  },
});
