import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { stringify } from 'yaml';
import { eventually } from '../support/eventually.ts';
import { lastRecords } from '../support/independent-reader.ts';
import { CONFINED, expectConfined } from './inside.ts';
import { Namespace, type Pod, helm, isReady } from './kubernetes.ts';
import { imageValues } from './release.ts';

const CHART = join(import.meta.dirname, '../../helm/keyferry');
const TOPIC = 'application-0.keys';

/** helm/keyferry/examples/sidecar, as its first line tells it. */
describe("in a pod of the user's own", () => {
  const { keyferry, redis } = inject('images');
  const brokers = inject('brokers');
  const dir = mkdtempSync(join(tmpdir(), 'keyferry-sidecar-'));
  let namespace: Namespace;

  beforeAll(async () => {
    namespace = await Namespace.create('keyferry-sidecar');
    // Beside a copy of the chart: what Helm fetches as a dependency must not lie about in the repository.
    cpSync(CHART, join(dir, 'keyferry'), { recursive: true });
    const chart = join(dir, 'keyferry/examples/sidecar');
    await helm(['dependency', 'update', chart]);
    const values = { keyferry: { image: imageValues(keyferry), config: { kafka: { brokers } } } };
    const rendered = await namespace.helm(['template', 'application', chart, '--values', '-'], stringify(values));
    await namespace.apply(
      rendered.replaceAll(/image: redis:\S+/g, `image: ${redis}\n          command: [redis-server]`),
    );
    await namespace.rolledOut('statefulset/application');
  });

  afterAll(async () => {
    rmSync(dir, { recursive: true });
    await namespace.delete();
  });

  const redisCli = (...command: string[]): Promise<string> =>
    namespace.kubectl(['exec', 'application-0', '--container', 'redis', '--', 'redis-cli', ...command]);
  const hasRecord = (key: string, text: string): Promise<unknown> =>
    eventually(async () => String((await lastRecords(brokers, TOPIC)).get(key)?.value).includes(text), {
      what: `the record of ${key}`,
      timeoutMs: 120_000,
    });

  test('Keyferry is a native sidecar, which starts before Redis and ends after it', async () => {
    const { spec } = (await namespace.pod('application-0')) as Pod & {
      readonly spec: { readonly initContainers: readonly { readonly name: string; readonly restartPolicy?: string }[] };
    };
    expect(spec.initContainers.find(({ name }) => name === 'keyferry')?.restartPolicy).toBe('Always');
  });

  test('it runs without privileges, and writes nothing but volumes', async () => {
    await expectConfined(namespace, 'application-0', CONFINED.keyferry);
  });

  test('it carries what Redis, which listens on loopback alone, is told', async () => {
    await redisCli('SET', 'key', 'first');
    await hasRecord('key', '"first"');
  });

  test('a pod that went finds its state again, and misses nothing that was written at the end', async () => {
    const { uid } = (await namespace.pod('application-0')).metadata;
    await redisCli('SET', 'last', 'before the end');
    await namespace.kubectl(['delete', 'pod', 'application-0']);
    await eventually(
      async () => {
        const pod = await namespace.pod('application-0');
        return pod.metadata.uid !== uid && isReady(pod);
      },
      { what: 'the pod to be back', timeoutMs: 300_000 },
    );
    await hasRecord('last', '"before the end"');
    await redisCli('DEL', 'key');
    await eventually(async () => (await lastRecords(brokers, TOPIC)).get('key')?.value === null, {
      what: 'the tombstone',
      timeoutMs: 120_000,
    });
  });
});
