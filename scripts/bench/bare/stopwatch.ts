import type { BareResult } from '../bare.ts';

/** In the bare process: the task that startBare gave. */
export const task: unknown = JSON.parse(process.argv[2] ?? '{}');

export const tellReady = (): void => {
  process.stdout.write('ready\n');
};

/** Measures from now on; the returned function tells the parent what became of `count` turns. */
export const stopwatch = (): ((count: number) => void) => {
  const start = performance.now();
  const cpu = process.cpuUsage();
  return (count) => {
    const { user, system } = process.cpuUsage(cpu);
    const result: BareResult = {
      perSecond: (count / (performance.now() - start)) * 1000,
      cpuSecondsPerMillion: (user + system) / count,
    };
    process.stdout.write(`${JSON.stringify(result)}\n`);
  };
};
