import { access, mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { redisServer } from '../support/process-provider.ts';
import { tool } from '../support/tools.ts';
import { Workplace } from '../support/workplace.ts';
import { chartValues } from '../unit/docs/documents.ts';
import { type Values, conform, has, render } from './helm.ts';
import { RedisPods } from './redis-pods.ts';

const IMAGE = 'docker.io/valkey/valkey:8.0.1';
/** As docs/kubernetes.md has it. */
const documented = chartValues.find(({ yaml }) => yaml.includes('valkey'))?.yaml ?? '';

/** Everything that an object says, at any depth: containers, probes, hooks. */
const within = (value: unknown): readonly Readonly<Record<string, unknown>>[] => {
  if (typeof value !== 'object' || value === null) return [];
  const below = Object.values(value).flatMap(within);
  return Array.isArray(value) ? below : [value as Readonly<Record<string, unknown>>, ...below];
};

describe.skipIf(!has.helm)('the chart with Valkey', () => {
  const values: Values = {
    ...(parse(documented) as Values),
    config: { kafka: { brokers: ['kafka:9092'] }, sources: [{ name: 'all-keys' }] },
  };

  test('runs it in every pod of Redis, by the scripts that look which of the two is there', async () => {
    const { text, objects, one } = await render(values);
    const containers = objects.flatMap(within).filter(({ image }) => image === IMAGE);
    expect(containers.map(({ name }) => String(name)).toSorted()).toEqual(['cluster', 'cluster', 'redis']);
    expect(text).not.toMatch(/image: \S*\bredis:/);
    const commands = containers.flatMap(within).flatMap(({ command }) => (command === undefined ? [] : [command]));
    const scripts = one('ConfigMap', 'kf-keyferry-redis-scripts').data ?? {};
    const known = Object.keys(scripts).map((name) => ['sh', `/scripts/${name}`]);
    // Start, two probes, the hook, two Jobs.
    expect(commands).toHaveLength(6);
    for (const command of commands) expect(known).toContainEqual(command);
    if (has.kubeconform) await conform(text);
  });
});

/** What Debian's and Alpine's base images have too. */
const BASE_PROGRAMS = 'awk cat cut date grep head sed sh sha256sum sleep timeout tr wc'.split(' ');

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** A folder with the programs of Valkey's image, by its names. Behind them is the server that the tests have, be it Redis. */
const valkeyPrograms = async (dir: string): Promise<string> => {
  const folder = join(dir, 'programs');
  await mkdir(folder);
  const server = await redisServer();
  const beside = join(dirname(server), 'valkey-cli');
  await symlink(server, join(folder, 'valkey-server'));
  await symlink((await isThere(beside)) ? beside : await tool('redis-cli', 'redis-tools'), join(folder, 'valkey-cli'));
  for (const name of BASE_PROGRAMS) await symlink(await tool(name, name), join(folder, name));
  return folder;
};

describe('the scripts of Redis, where there are the names of Valkey alone', () => {
  test('make a cluster, ask it, and hand over', async () => {
    const place = new Workplace();
    const programs = await valkeyPrograms(place.dir);
    const pods = new RedisPods({ password: 'secret', path: programs });
    onTestFinished(async () => {
      await pods.workplace.close();
      await place.close();
    });
    await pods.grow(6);
    const { status, output } = await pods.clusterJob(3);
    expect(status, output).toBe(0);
    await pods.allReady();
    await pods.allAgree();
    expect(await pods.pod(0).cli('INFO', 'server')).toContain(`executable:${join(programs, 'valkey-server')}`);
    const [master] = await pods.masters();
    if (master === undefined) throw new Error('there is no master');
    expect(await master.run('live.sh')).toMatchObject({ status: 0 });
    expect((await master.run('status.sh')).output).toContain('cluster_state:ok');
    expect(await master.run('stop.sh')).toMatchObject({ status: 0 });
    expect(await master.role()).toBe('slave');
    expect(await pods.shrinkJob(6, 3)).toMatchObject({ status: 0 });
  });
});
