import { isDeepStrictEqual } from 'node:util';
import type { Redis } from 'ioredis';
import { eventually } from '../support/eventually.ts';
import { divergence, expectedRecord } from '../support/independent-reader.ts';
import type { Namespace } from './kubernetes.ts';
import type { RedisMaster } from './redis-pods.ts';

const TIMEOUT_MS = 300_000;

/** Waits until the topic holds what the masters hold, for every key, read by other means than Keyferry's own. */
export const topicEquals = async (
  masters: () => Promise<readonly RedisMaster[]>,
  brokers: readonly string[],
  topic: string,
): Promise<void> => {
  await eventually(
    async () => {
      const servers = (await masters()).map(({ redis }) => redis);
      const differences = await divergence(servers, brokers, topic);
      if (differences.length > 0) throw new Error(differences.slice(0, 5).join('\n'));
      return true;
    },
    { what: 'the topic to equal Redis', timeoutMs: TIMEOUT_MS },
  );
};

/** Waits until another Redis holds the same keys as the masters, and no others. */
export const copyEquals = async (masters: () => Promise<readonly RedisMaster[]>, copy: Redis): Promise<void> => {
  await eventually(
    async () => {
      const differences: string[] = [];
      const alive = new Set<string>();
      for (const { redis } of await masters()) {
        for (const key of await keysOf(redis)) {
          alive.add(key.toString('latin1'));
          const [one, two] = await Promise.all([expectedRecord(redis, key), expectedRecord(copy, key)]);
          if (!isDeepStrictEqual(one, two))
            differences.push(`${key.toString('latin1')}: ${JSON.stringify([one, two])}`);
        }
      }
      for (const key of await keysOf(copy)) {
        const isGone = !alive.has(key.toString('latin1')) && (await copy.exists(key)) === 1;
        if (isGone) differences.push(`${key.toString('latin1')}: gone, and still in the copy`);
      }
      if (differences.length > 0) throw new Error(differences.slice(0, 5).join('\n'));
      return true;
    },
    { what: 'the second Redis to equal the first', timeoutMs: TIMEOUT_MS },
  );
};

const keysOf = async (redis: Redis): Promise<readonly Buffer[]> =>
  (await redis.keysBuffer('*')).filter((key) => !key.toString('latin1').startsWith('__keyferry__:'));

interface PodSpec {
  readonly containers: readonly Readonly<Record<string, unknown>>[];
  readonly volumes: readonly object[];
}

/**
 * Runs `keyferry verify` as a Job, with what the pod of the StatefulSet has, beside it.
 * @throws with what it printed, where it found a difference
 */
export const verify = async (namespace: Namespace): Promise<void> => {
  const { spec } = await namespace.json<{ readonly spec: { readonly template: { readonly spec: PodSpec } } }>([
    ...['get', 'statefulset', 'keyferry'],
  ]);
  const { containers, volumes, ...rest } = spec.template.spec;
  const name = `verify-${crypto.randomUUID().slice(0, 8)}`;
  const pod = {
    ...rest,
    restartPolicy: 'Never',
    containers: [{ ...onlyOnce(containers[0] ?? {}), args: ['verify'] }],
    volumes: [...volumes, { name: 'data', emptyDir: {} }],
  };
  const job = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: { backoffLimit: 0, template: { spec: pod } },
  };
  await namespace.apply(JSON.stringify(job));
  const { succeeded } = await eventually(
    async () => {
      const { status } = await namespace.json<{ readonly status: { succeeded?: number; failed?: number } }>([
        ...['get', 'job', name],
      ]);
      return (status.succeeded ?? 0) + (status.failed ?? 0) > 0 ? status : null;
    },
    { what: 'verify to end', timeoutMs: TIMEOUT_MS },
  );
  if (succeeded !== 1) throw new Error(await namespace.kubectl(['logs', `job/${name}`]));
  await namespace.kubectl(['delete', 'job', name]);
};

/** Without what is for a container that is to stay. */
const onlyOnce = (container: object): object =>
  Object.fromEntries(Object.entries(container).filter(([key]) => !/Probe$|^lifecycle$/.test(key)));
