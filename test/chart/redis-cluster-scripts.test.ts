import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { redisServer } from '../support/process-provider.ts';
import { tool } from '../support/tools.ts';
import { Workplace } from '../support/workplace.ts';
import { type RedisPod, RedisPods } from './redis-pods.ts';

const started: RedisPods[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map(({ workplace }) => workplace.close()));
});

/** A cluster of three masters and three replicas on three Kubernetes nodes, made by the Job. */
const cluster = async (nodeOf?: (at: number) => string): Promise<RedisPods> => {
  const pods = new RedisPods({ password: 'a "word" \\ with quotes' });
  started.push(pods);
  await pods.grow(6, nodeOf);
  const { status, output } = await pods.clusterJob(3);
  expect(status, output).toBe(0);
  await pods.allReady();
  await pods.allAgree();
  return pods;
};

const nodeOf = (pods: RedisPods, port: number): string | undefined =>
  pods.pods.find((pod) => pod.port === port)?.kubernetesNode;

const KEYS = Array.from({ length: 200 }, (_, at) => `key:${at}`);
/** Writes keys all over the slots. */
const writeKeys = async (pod: RedisPod): Promise<void> => {
  const replies = await pod.commands(KEYS.map((key) => `SET ${key} value-of-${key}`));
  expect(replies).toEqual(KEYS.map(() => 'OK'));
};
const keysAreThere = async (pod: RedisPod): Promise<void> => {
  expect(await pod.commands(KEYS.map((key) => `GET ${key}`))).toEqual(KEYS.map((key) => `value-of-${key}`));
};

const idOf = (pod: RedisPod): Promise<string> => pod.cli('CLUSTER', 'MYID');

describe('the Job that makes the cluster', () => {
  test('spreads masters over the Kubernetes nodes, and each replica to another node than its master', async () => {
    // Two neighbours in the StatefulSet share a node, so that taking the first three as masters would not do.
    const pods = await cluster((at) => `node-${Math.floor(at / 2)}`);
    const masters = await pods.masters();
    expect(new Set(masters.map(({ kubernetesNode }) => kubernetesNode)).size).toBe(3);
    const follows = await pods.follows();
    expect(follows.size).toBe(3);
    for (const [replica, master] of follows) expect(nodeOf(pods, replica)).not.toBe(nodeOf(pods, master));
  });

  test('gives a master its slots again that was too busy to take them', async () => {
    const place = new Workplace();
    onTestFinished(() => place.close());
    const missed = join(place.dir, 'missed');
    const redisCli = await tool('redis-cli', 'redis-tools');
    // The first of these commands gets no answer.
    const slow = `#!/bin/sh\ncase "$*" in *ADDSLOTSRANGE*) mkdir ${missed} 2>/dev/null && exit 1 ;; esac\nexec ${redisCli} "$@"\n`;
    writeFileSync(join(place.dir, 'redis-cli'), slow, { mode: 0o755 });
    const pods = new RedisPods({
      path: [place.dir, dirname(await redisServer()), process.env['PATH'] ?? ''].join(':'),
    });
    started.push(pods);
    await pods.grow(3);
    const { status, output } = await pods.clusterJob(3);
    expect(status, output).toBe(0);
    expect(output).toContain('to have its slots');
    expect(await pods.pod(0).cli('CLUSTER', 'INFO')).toContain('cluster_slots_ok:16384');
  });

  test('changes nothing when it runs again', async () => {
    const pods = await cluster();
    const before = await pods.follows();
    expect((await pods.clusterJob(3)).status).toBe(0);
    expect(await pods.follows()).toEqual(before);
  });

  test('gives new masters slots, moves no replica onto its master’s node, and loses no key', async () => {
    const pods = await cluster();
    await writeKeys(pods.pod(0));
    await pods.grow(8);
    const { status, output } = await pods.clusterJob(4);
    expect(status, output).toBe(0);
    await pods.allReady();
    expect(await pods.masters()).toHaveLength(4);
    const follows = await pods.follows();
    expect(follows.size).toBe(4);
    for (const [replica, master] of follows) expect(nodeOf(pods, replica)).not.toBe(nodeOf(pods, master));
    await keysAreThere(pods.pod(7));
  });
});

describe('the Job before an upgrade to fewer servers', () => {
  test('empties those that go, keeps three masters, and loses no key', async () => {
    const pods = await cluster();
    await pods.grow(8);
    await pods.clusterJob(4);
    await pods.allReady();
    await writeKeys(pods.pod(0));
    const { status, output } = await pods.shrinkJob(6, 3);
    expect(status, output).toBe(0);
    await pods.shrink(6);
    expect((await pods.clusterJob(3)).status).toBe(0);
    await pods.allReady();
    expect(await pods.masters()).toHaveLength(3);
    expect((await pods.pod(0).cli('CLUSTER', 'NODES')).split('\n')).toHaveLength(6);
    await keysAreThere(pods.pod(5));
  });

  test('has a replica that stays take over where most masters are among those that go', async () => {
    const pods = await cluster();
    await pods.grow(8);
    await pods.clusterJob(4);
    await pods.allReady();
    // All masters but one go: more than half of those that stay are replicas.
    for (const pod of (await pods.masters()).filter((master) => pods.pods.indexOf(master) < 2))
      await pod.run('stop.sh');
    await writeKeys(pods.pod(0));
    const { status, output } = await pods.shrinkJob(6, 3);
    expect(status, output).toBe(0);
    await pods.shrink(6);
    await pods.allReady();
    expect(await pods.masters()).toHaveLength(3);
    await keysAreThere(pods.pod(0));
  });

  test('does nothing where nobody goes, and nothing where nobody is there yet', async () => {
    const pods = await cluster();
    expect((await pods.shrinkJob(6, 3)).output).toContain('no server is to go');
    await Promise.all(pods.pods.map((pod) => pod.kill()));
    expect(await pods.shrinkJob(6, 3, 'no')).toMatchObject({ status: 0 });
    expect(await pods.shrinkJob(6, 3, 'yes')).toMatchObject({ status: 1 });
  });
});

describe('a pod', () => {
  test('hands its slots over before it ends', async () => {
    const pods = await cluster();
    const [master] = await pods.masters();
    if (master === undefined) throw new Error('there is no master');
    await master.stop();
    const others = pods.pods.filter((pod) => pod !== master);
    const roles = await Promise.all(others.map((pod) => pod.role()));
    // At once: nobody had to find out.
    expect(roles.filter((role) => role === 'master')).toHaveLength(3);
    await master.start(master.otherIp);
    await pods.allReady();
    expect(await master.role()).toBe('slave');
  });

  test('is found again by its name where all of them come back with other addresses', async () => {
    const pods = await cluster();
    await writeKeys(pods.pod(0));
    const ids = await Promise.all(pods.pods.map(idOf));
    await Promise.all(pods.pods.map((pod) => pod.kill()));
    await Promise.all(pods.pods.map((pod) => pod.start(pod.otherIp)));
    await pods.allReady();
    expect(await Promise.all(pods.pods.map(idOf))).toEqual(ids);
    await keysAreThere(pods.pod(0));
  });

  test('whose volume is lost becomes a replica, has the data again, and its old self is forgotten', async () => {
    const pods = await cluster();
    await writeKeys(pods.pod(0));
    const [lost] = await pods.masters();
    if (lost === undefined) throw new Error('there is no master');
    const oldId = await idOf(lost);
    await lost.kill();
    lost.loseVolume();
    await lost.start();
    await pods.allReady();
    expect(await lost.role()).toBe('slave');
    expect(await idOf(lost)).not.toBe(oldId);
    await eventually(
      async () => {
        const views = await Promise.all(pods.pods.map((pod) => pod.cli('CLUSTER', 'NODES')));
        return views.every((view) => !view.includes(oldId) && view.split('\n').length === 6);
      },
      { what: 'everybody to forget the old server', timeoutMs: 180_000 },
    );
    await keysAreThere(lost);
  });

  test('is not ready while its master is out of reach', async () => {
    const pods = await cluster();
    const [[replica = 0, master = 0] = []] = await pods.follows();
    await pods.pods.find(({ port }) => port === master)?.kill();
    const follower = pods.pods.find(({ port }) => port === replica);
    expect(await follower?.isReady()).toBe(false);
    // It takes over.
    await eventually(() => follower?.isReady() ?? false, { what: 'the replica to be ready', timeoutMs: 180_000 });
    expect(await follower?.role()).toBe('master');
  });
});

describe('slots that nobody has any more', () => {
  test('are counted by the Job, and adopted by a server that lost its volume', async () => {
    const pods = await cluster();
    const follows = await pods.follows();
    // Not the first pod: what the others think is told.
    const master = (await pods.masters()).find((pod) => pod !== pods.pod(0));
    const lost = pods.pods.filter((pod) => pod === master || follows.get(pod.port) === master?.port);
    const [kept] = pods.pods.filter((pod) => !lost.includes(pod));
    expect(lost).toHaveLength(2);
    await Promise.all(lost.map((pod) => pod.kill()));
    for (const pod of lost) pod.loseVolume();
    await Promise.all(lost.map((pod) => pod.start(pod.otherIp)));
    const refused = await pods.clusterJob(3);
    expect(refused.status).toBe(1);
    expect(refused.output).toMatch(/546[12] slots have no owner: see "Slots without an owner" in docs\/kubernetes.md/);
    expect(await kept?.run('adopt.sh')).toMatchObject({ status: 1 });
    expect(await lost[0]?.run('adopt.sh')).toMatchObject({ status: 0 });
    expect(await lost[1]?.run('adopt.sh')).toMatchObject({ status: 1 });
    const isWhole = async (): Promise<boolean> =>
      (await pods.pod(0).cli('CLUSTER', 'INFO')).includes('cluster_state:ok');
    await eventually(isWhole, { what: 'the others to hear of it', timeoutMs: 60_000 });
    const { status, output } = await pods.clusterJob(3);
    expect(status, output).toBe(0);
    await pods.allReady();
    expect(await pods.masters()).toHaveLength(3);
    expect(await lost[1]?.role()).toBe('slave');
    expect((await pods.pod(0).cli('CLUSTER', 'NODES')).split('\n')).toHaveLength(6);
  });

  test('are those of a server that is newer than what the others know of the one before it', async () => {
    const pods = new RedisPods();
    started.push(pods);
    await pods.grow(3);
    expect(await pods.clusterJob(3)).toMatchObject({ status: 0 });
    await pods.allAgree();
    const lost = pods.pod(2);
    await lost.kill();
    lost.loseVolume();
    await lost.start(lost.otherIp);
    expect((await pods.clusterJob(3)).output).toMatch(/546[12] slots have no owner/);
    expect(await lost.run('adopt.sh')).toMatchObject({ status: 0 });
    const isWhole = async (): Promise<boolean> =>
      (await pods.pod(0).cli('CLUSTER', 'INFO')).includes('cluster_state:ok');
    await eventually(isWhole, { what: 'the others to hear of it', timeoutMs: 60_000 });
  });
});
