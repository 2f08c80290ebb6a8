import { setTimeout as sleep } from 'node:timers/promises';
import type { Scenario } from '../bench.ts';
import type { MillionKeys } from '../million-keys.ts';
import { anonymousMiB } from '../proc.ts';

const MAX_MIB = 250;
const IDLE_MS = 5_000;

export const memory = (millionKeys: MillionKeys): Scenario => ({
  id: 'e',
  title: 'anonymous resident memory of the daemon',
  run: async (bench) => {
    const { mirror, loaded } = await millionKeys.get(bench);
    await sleep(IDLE_MS);
    const row = { scenario: 'e', unit: 'MiB', target: { atMost: MAX_MIB }, limits: [] };
    return [
      { ...row, what: `RssAnon with ${loaded.keys} keys mirrored, idle`, value: anonymousMiB(mirror.daemon.pid) },
      { ...row, what: 'RssAnon, most while they were written', value: loaded.peakMiB },
    ];
  },
});
