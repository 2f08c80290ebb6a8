import { type Cluster, Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { envoyImage } from '../support/images/local-images.ts';
import { lastRecords } from '../support/independent-reader.ts';
import { Workload } from '../support/workload.ts';
import { copyEquals, topicEquals, verify } from './equality.ts';
import { CONFINED, expectConfined } from './inside.ts';
import { Namespace, type Pod, kubectl } from './kubernetes.ts';
import { loadedImage } from './loaded-image.ts';
import { type RedisMaster, RedisPods } from './redis-pods.ts';
import { Release, imageValues } from './release.ts';

const images = inject('images');
const brokers = inject('brokers');
const TOPIC = 'cluster';

let namespace: Namespace;
let release: Release;
let pods: RedisPods;
let copy: Redis;
let cluster: Cluster;
let workload: Workload;

beforeAll(async () => {
  namespace = await Namespace.create('keyferry-cluster');
  const server = ['--command', '--', 'redis-server', '--protected-mode', 'no', '--save', ''];
  await namespace.kubectl(['run', 'copy', `--image=${images.redis}`, '--port=6379', '--expose', ...server]);
  await namespace.kubectl(['wait', 'pod/copy', '--for=condition=Ready', '--timeout=600s']);
  copy = new Redis({ host: await namespace.clusterIp('copy') });
  release = new Release(namespace, images, {
    redis: { enabled: true },
    config: {
      kafka: { brokers },
      sources: [{ name: 'all', topic: TOPIC, partitions: 3, canaryEvery: '1s' }],
      sinks: [{ name: 'copy', topics: [TOPIC], group: 'copy', redis: { url: 'redis://copy:6379' } }],
    },
  });
  await release.upgrade();
  pods = await RedisPods.of(namespace);
  await pods.isWhole(3);
  cluster = await pods.cluster();
  workload = new Workload(cluster, { pauseMs: 50 });
});

afterAll(async () => {
  await workload.stop();
  pods.close();
  copy.disconnect();
  await namespace.delete();
});

const masters = (): Promise<readonly RedisMaster[]> => pods.masters();

const writesGoOn = async (count: number): Promise<void> => {
  const target = workload.writes + count;
  await eventually(() => workload.writes >= target, { what: 'writes to go on', timeoutMs: 180_000 });
};

/** Something happens while writes go on. Afterwards topic, copy and Redis are equal, by three ways of looking. */
const survives = async (what: () => Promise<void>): Promise<void> => {
  workload.start();
  try {
    await writesGoOn(500);
    await what();
    await writesGoOn(500);
  } finally {
    await workload.stop();
  }
  await release.settled();
  await topicEquals(masters, brokers, TOPIC);
  await copyEquals(masters, copy);
  await verify(namespace);
  const sizes = await Promise.all((await masters()).map(({ redis }) => redis.dbsize()));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThan(50);
};

const uidOfKeyferry = async (): Promise<string> => (await namespace.pod('keyferry-0')).metadata.uid;

/** Evicts the pods of this component that are in the namespaces of the tests. */
const drain = (node: string, component: string, timeout: string): Promise<string> => {
  const which = ['--pod-selector', `app.kubernetes.io/component=${component}`, '--ignore-daemonsets'];
  return kubectl(['drain', node, ...which, '--delete-emptydir-data', '--timeout', timeout]);
};

/** Deletes the pod of a master. Resolves once another master has its slots, and another pod its name. */
const loseMaster = async (how: readonly string[]): Promise<void> => {
  const [master] = await masters();
  const { name, uid } = (master as RedisMaster).pod.metadata;
  await namespace.kubectl(['delete', 'pod', name, ...how]);
  await eventually(
    async () => {
      const isBack = (await namespace.pod(name)).metadata.uid !== uid;
      return isBack && (await masters()).every(({ pod }) => pod.metadata.name !== name);
    },
    { what: `another master in the place of ${name}`, timeoutMs: 300_000 },
  );
};

/** All six servers of Redis restart meanwhile, each once those before it are ready again. */
const oneByOne = async (what: () => Promise<void>): Promise<void> => {
  const { departures, mostAtATime } = await pods.absencesDuring(what);
  expect(departures).toEqual([5, 4, 3, 2, 1, 0].map((n) => ({ pod: `keyferry-redis-${n}`, beside: [] })));
  expect(mostAtATime).toBe(1);
};

/** How a pod is told to go. Forced: as when its node dies, with no time for anything. */
const GOODBYES = [
  ['with time to say goodbye', ['--wait=false']],
  ['by force', ['--grace-period=0', '--force']],
] as const;

describe('one install gives a Redis Cluster with Keyferry beside it, which', () => {
  test('spreads each master and its replica over different nodes', async () => {
    const all = await pods.pods();
    const nodeOf = (ip: string): string | undefined => all.find(({ status }) => status.podIP === ip)?.spec.nodeName;
    const found = await masters();
    expect(found).toHaveLength(3);
    for (const { pod, redis } of found) {
      const replica = /^slave0:ip=([^,]+)/m.exec(await redis.info('replication'))?.[1] ?? '';
      expect(nodeOf(replica), `the replica of ${pod.metadata.name}`).toBeDefined();
      expect(nodeOf(replica)).not.toBe(pod.spec.nodeName);
    }
  });

  test('passes helm test, with a key that goes all the way', async () => {
    expect(await release.test()).toMatch(/^wrote helm-test:\S+; Kafka has it at /m);
  });

  test('takes a write on any pod of Redis to Kafka, and into a second Redis', async () => {
    const password = await namespace.secret('keyferry-redis', 'redis-password');
    const all = await pods.pods();
    expect(all).toHaveLength(6);
    for (const { metadata } of all) {
      const command = ['redis-cli', '-c', '--no-auth-warning', '-a', password, 'SET', `on:${metadata.name}`, 'written'];
      await namespace.kubectl(['exec', metadata.name, '--container', 'redis', '--', ...command]);
    }
    const keys = all.map(({ metadata }) => `on:${metadata.name}`);
    await eventually(
      async () => {
        const records = await lastRecords(brokers, TOPIC);
        return keys.every((key) => String(records.get(key)?.value).includes('"written"'));
      },
      { what: 'the records', timeoutMs: 180_000 },
    );
    await eventually(async () => (await copy.mget(keys)).every((value) => value === 'written'), {
      what: 'the copies',
      timeoutMs: 180_000,
    });
  });

  test('runs nothing as root, and writes nothing but volumes', async () => {
    await expectConfined(namespace, 'keyferry-0', CONFINED.keyferry);
    await expect(namespace.kubectl(['exec', 'keyferry-0', '--', 'sh', '-c', 'true'])).rejects.toThrow('sh');
    for (const { metadata } of await pods.pods()) await expectConfined(namespace, metadata.name, CONFINED.redis);
  });
});

describe('under load, topic and copy equal Redis after', () => {
  test.each(GOODBYES)('a master of Redis went %s', async (_, how) => {
    await survives(async () => {
      await loseMaster(how);
      await pods.isWhole(3);
    });
  });

  test.each(GOODBYES)("Keyferry's pod went %s", async (_, how) => {
    await survives(async () => {
      const uid = await uidOfKeyferry();
      await namespace.kubectl(['delete', 'pod', 'keyferry-0', ...how]);
      await release.ready(uid);
    });
  });

  test("Keyferry's volume was lost", async () => {
    const claim = (): Promise<Pod> => namespace.json<Pod>(['get', 'persistentvolumeclaim', 'data-keyferry-0']);
    await survives(async () => {
      const uid = await uidOfKeyferry();
      const former = (await claim()).metadata.uid;
      await namespace.kubectl(['delete', 'persistentvolumeclaim', 'data-keyferry-0', '--wait=false']);
      await namespace.kubectl(['delete', 'pod', 'keyferry-0']);
      await release.ready(uid);
      expect((await claim()).metadata.uid, 'another volume').not.toBe(former);
    });
  });

  test('a rolling upgrade of both, server by server, and its rollback', async () => {
    const revisions = async (): Promise<readonly (string | undefined)[]> => {
      const all = [...(await pods.pods()), await namespace.pod('keyferry-0')] as readonly (Pod & {
        readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
      })[];
      return [...new Set(all.map(({ metadata }) => metadata.annotations?.['keyferry.test/revision']))];
    };
    const podAnnotations = { 'keyferry.test/revision': 'two' };
    await survives(async () => {
      await oneByOne(() => release.upgrade({ podAnnotations, redis: { podAnnotations } }));
      expect(await revisions()).toEqual(['two']);
      await pods.isWhole(3);
    });
    await survives(async () => {
      await oneByOne(() => release.rollback());
      expect(await revisions()).toEqual([undefined]);
      await pods.isWhole(3);
    });
  });

  test('three masters became four', async () => {
    await survives(async () => {
      await release.upgrade({ redis: { cluster: { nodes: 8 } } });
      await pods.isWhole(4);
      for (const { pod, redis } of await masters()) {
        expect(await redis.dbsize(), `keys of ${pod.metadata.name}`).toBeGreaterThan(0);
      }
    });
  });

  test('four masters became three again, which have every key of the four', async () => {
    const kept = Array.from({ length: 40 }, (_, n) => `kept:${n}`);
    await Promise.all(kept.map((key) => cluster.set(key, `of ${key}`)));
    await survives(async () => {
      await release.upgrade({ redis: { cluster: { nodes: 6 } } });
      await eventually(async () => (await pods.pods()).length === 6, { what: 'six pods', timeoutMs: 300_000 });
      await pods.isWhole(3);
      await eventually(
        async () => {
          for (const pod of await pods.pods()) {
            const info = await pods.connect(pod).cluster('INFO');
            expect(info.match(/^cluster_(slots_ok|known_nodes):\d+/gm), pod.metadata.name).toEqual([
              'cluster_slots_ok:16384',
              'cluster_known_nodes:6',
            ]);
          }
          return true;
        },
        { what: 'the two to be forgotten', timeoutMs: 300_000 },
      );
    });
    expect(await Promise.all(kept.map((key) => cluster.get(key)))).toEqual(kept.map((key) => `of ${key}`));
  });

  test("Keyferry's node was drained", async () => {
    await survives(async () => {
      const { metadata, spec } = await namespace.pod('keyferry-0');
      // Its volume may be bound to the node: then it waits for the node to come back.
      try {
        await drain(spec.nodeName, 'keyferry', '300s');
        await writesGoOn(500);
      } finally {
        await kubectl(['uncordon', spec.nodeName]);
      }
      await release.ready(metadata.uid);
    });
  });

  test('nodes of two masters were drained at once, and the servers went one by one', async () => {
    await survives(async () => {
      const nodes = [...new Set((await masters()).map(({ pod }) => pod.spec.nodeName))].slice(0, 2);
      expect(nodes).toHaveLength(2);
      const { departures, mostAtATime } = await pods.absencesDuring(async () => {
        try {
          // Where its volume is bound to the node, the first waits for it to come back, and all others are refused to go.
          await Promise.allSettled(nodes.map((node) => drain(node, 'redis', '60s')));
          await writesGoOn(500);
        } finally {
          await kubectl(['uncordon', ...nodes]);
        }
        await namespace.rolledOut('statefulset/keyferry-redis');
      });
      expect(departures).not.toHaveLength(0);
      expect(mostAtATime).toBe(1);
      await pods.isWhole(3);
    });
  });
});

describe('an application that talks to Envoy beside it', () => {
  const writes = async (round: string): Promise<readonly string[]> => {
    const script = `for n in $(seq 60); do redis-cli -p 6000 SET "envoy:${round}:$n" written; done`;
    return (
      await namespace.kubectl(['exec', 'application', '--container', 'application', '--', 'sh', '-c', script])
    ).split('\n');
  };
  const restarts = async (): Promise<string> =>
    namespace.kubectl([
      ...['get', 'pod', 'application', '--output'],
      'jsonpath={.status.initContainerStatuses[*].restartCount} {.status.containerStatuses[*].restartCount}',
    ]);

  test('is carried to healthy nodes across a failover', async () => {
    const envoy = await loadedImage(ENVOY, () => envoyImage(ENVOY));
    await release.upgrade({
      redis: { proxy: { enabled: true, image: imageValues(envoy) } },
      extraDeploy: [APPLICATION.replace('REDIS_IMAGE', images.redis)],
    });
    await namespace.kubectl(['wait', 'pod/application', '--for=condition=Ready', '--timeout=600s']);
    expect(new Set(await writes('before'))).toEqual(new Set(['OK']));
    await loseMaster(['--grace-period=0', '--force']);
    await eventually(async () => (await writes('after')).every((answer) => answer === 'OK'), {
      what: 'each write of a round to succeed again',
      timeoutMs: 180_000,
    });
    expect(await restarts()).toBe('0 0');
    await eventually(async () => (await lastRecords(brokers, TOPIC)).get('envoy:after:60')?.value != null, {
      what: 'the record of what it wrote',
      timeoutMs: 120_000,
    });
  });
});

const ENVOY = 'envoyproxy/envoy:v1.40.0';
/** As docs/proxy.md has it in a chart of the user's own. */
const APPLICATION = `apiVersion: v1
kind: Pod
metadata:
  name: application
spec:
  terminationGracePeriodSeconds: 1
  initContainers:
    {{- include "keyferry.proxy.initContainer" . | nindent 4 }}
  containers:
    - name: application
      image: REDIS_IMAGE
      command: [sleep, infinity]
  volumes:
    {{- include "keyferry.proxy.volumes" . | nindent 4 }}
`;
