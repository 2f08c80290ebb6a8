import { isDeepStrictEqual } from 'node:util';
import { eventually } from '../../test/support/eventually.ts';
import { type TopicView, expectedRecord, lastRecords } from '../../test/support/independent-reader.ts';
import type { Mirror } from './mirror.ts';
import type { DemoServers } from './servers.ts';
import { FLUSH, STEPS, type Step } from './steps.ts';
import { column, milliseconds, paint, print } from './terminal.ts';

/** One round trip over all types, and the topic read by other means. @returns whether everything is as it must be */
export const runOnce = async (mirror: Mirror, servers: DemoServers): Promise<boolean> => {
  print();
  print(paint('bold', row('change', 'record', 'to the copy', 'Redis = Kafka = copy')));
  const rounds = servers.mayFlush ? [STEPS, [FLUSH]] : [STEPS];
  let [taken, fine] = [0, 0];
  for (const steps of rounds) {
    const outcomes: { step: Step; latencyMs: number | Error }[] = [];
    for (const step of steps) outcomes.push({ step, latencyMs: await carry(step, mirror).catch(asError) });
    const topic = await settledTopic(steps, mirror, servers);
    for (const { step, latencyMs } of outcomes) {
      const problem = latencyMs instanceof Error ? latencyMs.message : await disagreement(step, mirror, topic);
      const latency = latencyMs instanceof Error ? '' : milliseconds(latencyMs).padStart(9);
      const verdict = problem === undefined ? paint('green', 'yes') : paint('red', problem);
      print(row(step.name, step.keys.map(({ op }) => op).join(', '), latency, verdict));
      taken += 1;
      if (problem === undefined) fine += 1;
    }
  }
  print();
  print(paint(fine === taken ? 'green' : 'red', `${fine} of ${taken} changes came round as they must`));
  return fine === taken;
};

const row = (change: string, record: string, latency: string, verdict: string): string =>
  [column(change, 34), column(record, 18), column(latency, 13), verdict].join(' ');

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

const carry = async ({ keys, before, run }: Step, mirror: Mirror): Promise<number> => {
  const names = keys.map(({ key }) => key);
  if (before !== undefined) {
    let attempt = 0;
    do {
      attempt += 1;
      await before(mirror.source, attempt);
    } while (!(await mirror.hasCarried(names)));
  }
  await run(mirror.source);
  return mirror.untilEqual(names);
};

/** The topic once it agrees with all steps, or as it stands when it did not come to that. */
const settledTopic = async (
  steps: readonly Step[],
  mirror: Mirror,
  { brokers, topic }: DemoServers,
): Promise<TopicView> => {
  let records: TopicView = new Map();
  const agrees = async (): Promise<boolean> => {
    records = await lastRecords(brokers, topic);
    for (const step of steps) if ((await disagreement(step, mirror, records)) !== undefined) return false;
    return true;
  };
  await eventually(agrees).catch(() => undefined);
  return records;
};

/** What a last record says else than it must. */
const disagreement = async ({ keys }: Step, { source }: Mirror, records: TopicView): Promise<string | undefined> => {
  for (const { key, op } of keys) {
    const record = records.get(key.toString('latin1'));
    if (record === undefined) return 'not on the topic';
    if (record.headers['kf-op'] !== op) return `the record says ${record.headers['kf-op'] ?? 'nothing'}`;
    const found: unknown = record.value === null ? undefined : JSON.parse(record.value.toString());
    if (!isDeepStrictEqual(found, await expectedRecord(source, key))) return 'the record holds another value';
  }
  return undefined;
};
