/**
 * Measures Keyferry against the limits of the machine: `npm run bench`, described in docs/benchmark.md. Needs Linux
 * (/proc), redis-benchmark, and the built dist/main.js.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { connectKafka } from '../src/clients/kafka/connect.ts';
import { stackProvider } from '../test/support/provider.ts';
import { against } from './bench/against.ts';
import type { Bench, Scenario } from './bench/bench.ts';
import { MillionKeys } from './bench/million-keys.ts';
import { type Figure, json, table } from './bench/report.ts';
import { changes, hashChanges } from './bench/scenarios/changes.ts';
import { cluster } from './bench/scenarios/cluster.ts';
import { latency } from './bench/scenarios/latency.ts';
import { lists } from './bench/scenarios/lists.ts';
import { memory } from './bench/scenarios/memory.ts';
import { plainSink } from './bench/scenarios/plain-sink.ts';
import { reconcile } from './bench/scenarios/reconcile.ts';
import { rest } from './bench/scenarios/rest.ts';
import { sink } from './bench/scenarios/sink.ts';
import { streams } from './bench/scenarios/streams.ts';

const NAME = 'keyferry-bench';
const SCENARIOS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'];

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: SCENARIOS.join() },
    scale: { type: 'string', default: '1' },
    client: { type: 'string', default: 'platformatic' },
    json: { type: 'string' },
    against: { type: 'string' },
  },
});
const wanted = new Set(values.only.split(','));
const scale = Number(values.scale);
const client = (['platformatic', 'kafkajs'] as const).find((known) => known === values.client);
if (client === undefined || !(scale > 0) || [...wanted].some((id) => !SCENARIOS.includes(id))) {
  throw new Error(
    'usage: npm run bench -- [--only a,b,c,d,e,f,g,h,i,j | --against CLONE] [--scale 0.1] [--client platformatic|kafkajs] [--json FILE]',
  );
}
const say = (text: string): void => void process.stderr.write(`${text}\n`);

const runAll = async (bench: Bench): Promise<readonly Figure[]> => {
  const millionKeys = new MillionKeys();
  const shared = [changes(millionKeys), memory(millionKeys), reconcile(millionKeys), sink(millionKeys)];
  const figures: Figure[] = [];
  const run = async (scenarios: readonly Scenario[]): Promise<void> => {
    for (const scenario of scenarios.filter(({ id }) => wanted.has(id))) {
      say(`${scenario.id}: ${scenario.title}`);
      figures.push(...(await scenario.run(bench)));
    }
  };
  await run(shared);
  await millionKeys.stop();
  await run([hashChanges, latency, streams, plainSink, rest, lists, cluster]);
  return figures;
};

const provider = await stackProvider();
const dir = mkdtempSync(join(tmpdir(), 'keyferry-bench-'));
try {
  const kafka = await provider.startKafka();
  const { brokers } = kafka;
  const outside = connectKafka({ client: client === 'kafkajs' ? 'platformatic' : 'kafkajs', brokers, clientId: NAME });
  const scaled = (count: number): number => Math.round(count * scale);
  const bench = { provider, kafka, client, outside, dir, scaled, say };
  const figures = await (values.against === undefined ? runAll(bench) : against(bench, values.against));
  process.stdout.write(`\n${table(figures)}\n`);
  if (values.json !== undefined) writeFileSync(values.json, json(figures, { scale, client, servers: provider.name }));
  if (figures.some(({ what, value }) => what.endsWith('lost') && value > 0)) process.exitCode = 1;
  rmSync(dir, { recursive: true });
} catch (error) {
  say(`The daemon's logs stay in ${dir}`);
  throw error;
} finally {
  await provider.dispose();
}
