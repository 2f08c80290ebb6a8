import { isDeepStrictEqual } from 'node:util';
import { type TopicRecord, expectedRecord, lastRecords } from '../../test/support/independent-reader.ts';
import type { Mirror } from './mirror.ts';
import type { DemoServers } from './servers.ts';
import { type Step, STEPS, flush } from './steps.ts';
import { column, milliseconds, paint, print } from './terminal.ts';

interface Result {
  readonly step: Step;
  readonly latencyMs: number;
  /** undefined: all is as it must be. */
  readonly problem: string | undefined;
}

/** One round trip over all types. @returns whether everything arrived as it must */
export const runOnce = async (mirror: Mirror, servers: DemoServers): Promise<boolean> => {
  const results: Result[] = [];
  for (const step of STEPS) results.push(await take(step, mirror, servers));
  if (servers.mayFlush) results.push(await take(flush, mirror, servers));
  print();
  print(paint('bold', line('what', 'last record', 'to the copy', 'same')));
  for (const { step, latencyMs, problem } of results) {
    print(line(step.name, `${step.type} ${step.op}`, milliseconds(latencyMs).padStart(9), problem ?? 'yes', problem));
  }
  const failures = results.filter(({ problem }) => problem !== undefined).length;
  print();
  print(`${results.length - failures} of ${results.length} arrived as they must`);
  return failures === 0;
};

const line = (what: string, record: string, latency: string, same: string, problem?: string): string =>
  [column(what, 34), column(record, 16), column(latency, 13), paint(problem ? 'red' : 'green', same)].join(' ');
