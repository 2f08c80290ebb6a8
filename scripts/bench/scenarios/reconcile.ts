import { startBare } from '../bare.ts';
import type { Scenario } from '../bench.ts';
import type { MillionKeys } from '../million-keys.ts';
import { settled } from '../mirror.ts';
import { cpuSeconds, watchMemory } from '../proc.ts';

const MIN_KEYS_PER_SECOND = 80_000;

/** A restart reconciles everything; as nothing changed meanwhile, every key is read and found unchanged. */
export const reconcile = (millionKeys: MillionKeys): Scenario => ({
  id: 'c',
  title: 'reconcile of unchanged keys',
  run: async (bench) => {
    const { name, mirror } = await millionKeys.get(bench);
    await mirror.restart();
    const memory = watchMemory(mirror.daemon.pid);
    await settled(mirror, name);
    const cpu = cpuSeconds(mirror.daemon.pid);
    const peakMiB = memory.stop();
    const series = (metric: string) => mirror.daemon.metric(`keyferry_${metric}{source="${name}"}`);
    const unchanged = (await series('source_unchanged_total')) ?? Number.NaN;
    const seconds = (await series('reconcile_duration_seconds')) ?? Number.NaN;
    const bare = startBare('reader', { url: mirror.redis.url, count: unchanged });
    const { perSecond, cpuSecondsPerMillion } = await bare.result;
    return [
      {
        scenario: 'c',
        what: `reconcile of ${unchanged} unchanged keys`,
        value: unchanged / seconds,
        unit: 'keys/s',
        target: { atLeast: MIN_KEYS_PER_SECOND },
        limits: [{ what: 'bare SCAN and MGET', value: perSecond, unit: 'keys/s' }],
      },
      {
        scenario: 'c',
        what: 'the same with the start of the daemon, CPU',
        value: (cpu / unchanged) * 1_000_000,
        unit: 'CPU-s/million',
        limits: [{ what: 'bare SCAN and MGET', value: cpuSecondsPerMillion, unit: 'CPU-s/million' }],
      },
      { scenario: 'c', what: 'RssAnon, most while reconciling', value: peakMiB, unit: 'MiB', limits: [] },
    ];
  },
});
