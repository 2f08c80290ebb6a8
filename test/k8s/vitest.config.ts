import { defineConfig } from 'vitest/config';

/** `npm run test:k8s`: the chart on the cluster that KUBECONFIG points at. Minutes: pods come and go at their own pace. */
export default defineConfig({
  root: new URL('../..', import.meta.url).pathname,
  test: {
    name: 'k8s',
    include: ['test/k8s/**/*.test.ts'],
    globalSetup: ['test/k8s/global-setup.ts'],
    testTimeout: 1_800_000,
    hookTimeout: 1_800_000,
    fileParallelism: false,
    // kafkajs sets timers in the past, which does no harm; tests read topics with it.
    execArgv: ['--disable-warning=TimeoutNegativeWarning'],
  },
});
