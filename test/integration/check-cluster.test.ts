import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { processProvider } from '../support/process-provider.ts';
import { type ClusterServer, RedisCluster } from '../support/redis-cluster.ts';
import { MASTER_NAME, type Sentinels, startSentinels } from '../support/sentinels.ts';
import { Workplace } from '../support/workplace.ts';
import { type Source, checked, checkedConfig, problems } from './check-fixture.ts';

const ROOMY = ['--client-output-buffer-limit', 'pubsub', '0', '0', '0'];
const provider = processProvider();
const workplace = new Workplace();
afterAll(() => Promise.all([provider.dispose(), workplace.close()]));

const named = ({ host, port }: { readonly host: string; readonly port: number }): string => `${host}:${port}`;

describe('check on a cluster', () => {
  let servers: RedisCluster;
  beforeAll(async () => {
    servers = await RedisCluster.start(provider, { args: [...ROOMY, '--cluster-require-full-coverage', 'no'] });
  });
  afterAll(() => servers.kill());

  const config = (sources?: readonly Partial<Source>[]) => ({
    ...checkedConfig('redis://127.0.0.1:6379', sources === undefined ? {} : { sources }),
    redis: { url: 'redis://127.0.0.1:6379', topology: 'cluster' as const, nodes: servers.seeds },
  });
  const onAll = (nodes: readonly ClusterServer[], ...command: readonly [string, ...(string | number)[]]) =>
    Promise.all(nodes.map(({ admin }) => admin.call(...command)));

  test('looks at each master, finds everything fine, and ends with 0', async () => {
    const result = await checked(config());
    expect([result.status, problems(result)]).toEqual([0, []]);
    for (const master of servers.nodes.slice(0, 3))
      expect(result.lines).toContainEqual(expect.stringMatching(`^ok {4}redis ${named(master)}  answers: `));
    expect(result.lines).toContainEqual(expect.stringMatching(/^ok {4}redis cluster {2}3 masters have all slots$/));
  });

  test('names the one master that sends no notifications', async () => {
    await servers.node(1).admin.call('CONFIG', 'SET', 'notify-keyspace-events', '');
    const result = await checked(config());
    expect([result.status, problems(result)]).toEqual([
      1,
      [expect.stringMatching(`^FAIL {2}redis ${named(servers.node(1))} .* no key-event notifications`)],
    ]);
    await servers.node(1).admin.call('CONFIG', 'SET', 'notify-keyspace-events', 'AE');
  });

  test('says that there is no other database', async () => {
    const result = await checked(config([{ databases: [3], topic: 'x.{db}' }]));
    expect(result.status).toBe(1);
    expect(problems(result)).toContainEqual(
      expect.stringMatching(
        /database 3 .*cluster mode.* -> name database 0 in the configuration: a cluster has no other$/,
      ),
    );
  });

  test('tells a single server that is a node of a cluster', async () => {
    const result = await checked(checkedConfig(servers.node(0).url));
    expect(result.status).toBe(1);
    expect(problems(result)).toContainEqual(
      expect.stringMatching(/^FAIL .* is a node of a cluster .*-> write `topology: cluster`/),
    );
  });

  test('names slots that no master has', async () => {
    // A ping that was under way gives them back.
    const areGone = async (): Promise<boolean> => {
      await onAll(servers.nodes, 'CLUSTER', 'DELSLOTS', 5, 100, 101, 102).catch(() => undefined);
      const infos = await onAll(servers.nodes, 'CLUSTER', 'INFO');
      return infos.every((info) => String(info).includes('cluster_slots_assigned:16380'));
    };
    await eventually(areGone, { what: 'the slots to be of nobody' });
    const result = await checked(config());
    expect(result.status).toBe(1);
    expect(problems(result)).toContainEqual(
      expect.stringMatching(/^FAIL {2}redis cluster {2}has no master for the slots 5, 100-102: /),
    );
    await servers.node(0).admin.call('CLUSTER', 'ADDSLOTS', 5, 100, 101, 102);
    await servers.isUp();
  });

  test('names nodes that are away, and looks at the others all the same', async () => {
    const [master, replica] = [servers.node(2), servers.node(5)];
    await replica.kill();
    await master.kill();
    const result = await checked(config());
    expect(result.status).toBe(3);
    expect(problems(result)).toContainEqual(expect.stringMatching(`^FAIL {2}redis ${named(master)} .* is away`));
    for (const other of servers.nodes.slice(0, 2))
      expect(result.lines).toContainEqual(expect.stringMatching(`^ok {4}redis ${named(other)} .*notifications$`));
    await master.start();
    await servers.isUp(servers.nodes.filter((node) => node !== replica));
    // The cluster takes its time to say so.
    const isTold = async (): Promise<void> => {
      expect(problems(await checked(config()))).toEqual([
        expect.stringMatching(`^warn {2}redis ${named(replica)}  is away, as the cluster says`),
      ]);
    };
    await eventually(isTold, { what: 'the replica to be named' });
  });
});

describe('check behind sentinels', () => {
  let trio: Sentinels;
  beforeAll(async () => {
    trio = await startSentinels(provider, workplace, { args: ROOMY });
  });
  afterAll(() => trio.kill());

  const config = (sentinelName = MASTER_NAME) => ({
    ...checkedConfig('redis://ignored'),
    redis: { url: 'redis://ignored', topology: 'sentinel' as const, nodes: trio.nodes, sentinelName },
  });

  test('looks at the master that they name', async () => {
    const result = await checked(config());
    expect([result.status, problems(result)]).toEqual([0, []]);
    expect(result.lines).toContainEqual(
      expect.stringMatching(`^ok {4}sentinel ${trio.nodes[0] ?? ''}  says that the master is ${named(trio.master)}$`),
    );
    expect(result.lines).toContainEqual(expect.stringMatching(`^ok {4}redis ${named(trio.master)}  answers`));
  });

  test('says that they know no master of this name', async () => {
    const result = await checked(config('another'));
    expect(result.status).toBe(3);
    expect(problems(result)).toContainEqual(expect.stringMatching(/watches no master "another" {2}-> correct redis/));
  });

  test('names the sentinel that is away', async () => {
    await trio.processes[1]?.kill();
    const result = await checked(config());
    expect([result.status, problems(result)]).toEqual([
      0,
      [expect.stringMatching(`^warn {2}sentinel ${trio.nodes[1] ?? ''}  does not help: `)],
    ]);
  });
});
