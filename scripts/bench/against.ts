import type { Bench } from './bench.ts';
import { type Write, writeHash, writeString } from './load.ts';
import { type LoadFigures, load, startMirror } from './mirror.ts';
import type { Figure } from './report.ts';

const ROUNDS = 4;
const COUNT = 300_000;

const WORKLOADS: readonly { readonly what: string; readonly write: Write }[] = [
  { what: 'strings of 100 B', write: writeString },
  { what: 'hashes of 200 B to 1 kB', write: writeHash },
];

type Pick = (values: readonly number[]) => number;
const least: Pick = (values) => Math.min(...values);
const most: Pick = (values) => Math.max(...values);
const median: Pick = (values) => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.slice(Math.ceil(sorted.length / 2) - 1, Math.floor(sorted.length / 2) + 1);
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
};

const MEASURED = [
  { of: ({ perSecond }: LoadFigures) => perSecond, what: 'sustained', unit: 'changes/s', best: most },
  { of: (load: LoadFigures) => load.cpuSecondsPerMillion, what: 'CPU', unit: 'CPU-s/million', best: least },
  { of: ({ peakMiB }: LoadFigures) => peakMiB, what: 'RssAnon, most', unit: 'MiB', best: least },
];

/**
 * The changes of this build and of another one, in turns: what the machine does meanwhile meets both alike. Medians, and the best of
 * each beside them, as whatever else goes on only slows.
 * @param root of another clone, built
 */
export const against = async (bench: Bench, root: string): Promise<readonly Figure[]> => {
  const figures: Figure[] = [];
  for (const { what, write } of WORKLOADS) {
    const runs = new Map<string | undefined, LoadFigures[]>([
      [undefined, []],
      [root, []],
    ]);
    for (let round = 1; round <= ROUNDS; round += 1) {
      bench.say(`${what}: round ${round} of ${ROUNDS}`);
      for (const build of round % 2 === 0 ? [root, undefined] : [undefined, root]) {
        const name = `${build === undefined ? 'this' : 'other'}-${figures.length}-${round}`;
        const mirror = await startMirror(bench, name, { root: build });
        runs.get(build)?.push(await load(mirror, { name, write, count: bench.scaled(COUNT) }));
        await mirror.stop();
      }
    }
    figures.push(...compared(what, root, runs.get(undefined) ?? [], runs.get(root) ?? []));
  }
  return figures;
};

const compared = (
  workload: string,
  root: string,
  ours: readonly LoadFigures[],
  theirs: readonly LoadFigures[],
): readonly Figure[] => {
  const figures = MEASURED.flatMap(({ of, what, unit, best }): Figure[] =>
    Object.entries({ [`median of ${ROUNDS}`]: median, best }).map(([which, pick]) => ({
      scenario: '',
      what: `${workload}, ${what}, ${which}`,
      value: pick(ours.map(of)),
      unit,
      limits: [{ what: root, value: pick(theirs.map(of)), unit }],
    })),
  );
  const lost = ours.reduce((sum, run) => sum + run.lost, 0);
  return [
    ...figures,
    { scenario: '', what: `${workload}, lost`, value: lost, unit: 'keys', target: { atMost: 0 }, limits: [] },
  ];
};
