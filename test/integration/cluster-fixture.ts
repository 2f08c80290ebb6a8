import { Cluster } from 'ioredis';
import { afterAll, beforeAll } from 'vitest';
import { slotOf } from '../../src/clients/redis/cluster/slots.ts';
import { connectRedis } from '../../src/clients/redis/connect.ts';
import type { RedisClient } from '../../src/clients/redis/port.ts';
import { eventually } from '../support/eventually.ts';
import { stackProvider } from '../support/provider.ts';
import { type ClusterServer, RedisCluster } from '../support/redis-cluster.ts';

/** One cluster for the file: three masters, their replicas behind them. */
export class ClusterFixture {
  servers!: RedisCluster;
  /** Looks at it, and writes, by other means than Keyferry's own. */
  redis!: Cluster;

  constructor(options: Parameters<typeof RedisCluster.start>[1] = {}) {
    beforeAll(async () => {
      this.servers = await RedisCluster.start(await stackProvider(), options);
      const seeds = this.servers.nodes.map(({ host, port }) => ({ host, port }));
      this.redis = new Cluster(seeds, {
        slotsRefreshInterval: 500,
        clusterRetryStrategy: () => 100,
        redisOptions: { maxRetriesPerRequest: 3 },
      });
      this.redis.on('error', () => undefined);
    });
    afterAll(async () => {
      this.redis.disconnect();
      await this.servers.kill();
    });
  }

  client(): RedisClient {
    return connectRedis({
      url: 'redis://unused',
      topology: 'cluster',
      nodes: this.servers.seeds,
      name: 'keyferry',
    });
  }

  /** Who is the master of a slot now, and another master. */
  async placesOf(slot: number): Promise<{ readonly owner: ClusterServer; readonly other: ClusterServer }> {
    const nodes = await this.masters();
    const owners = await Promise.all(nodes.map(async (node) => ({ node, has: await hasSlot(node, slot) })));
    const owner = owners.find(({ has }) => has)?.node;
    const other = owners.find(({ has }) => !has)?.node;
    if (owner === undefined || other === undefined) throw new Error(`nobody has slot ${slot}`);
    return { owner, other };
  }

  async masters(): Promise<readonly ClusterServer[]> {
    const roles = await Promise.all(
      this.servers.nodes.map(({ admin }) =>
        admin.call('ROLE').then(
          (reply) => String(reply),
          () => 'away',
        ),
      ),
    );
    return this.servers.nodes.filter((_, at) => roles[at]?.startsWith('master'));
  }

  /** A replica takes over from the master of a slot, with its consent. */
  async failover(slot: number): Promise<void> {
    await this.agree();
    // A master may hear late who its replica is.
    const replica = await eventually(() => this.#replicaOf(slot), { what: `a replica of the master of slot ${slot}` });
    await this.servers.failover(replica);
    await this.agree();
  }

  async #replicaOf(slot: number): Promise<ClusterServer | null> {
    const { owner } = await this.placesOf(slot);
    const lines = String(await owner.admin.call('CLUSTER', 'REPLICAS', owner.id));
    return this.servers.nodes.find(({ id }) => lines.includes(id) && id !== owner.id) ?? null;
  }

  /**
   * Resolves once all nodes tell the same: a replica that takes over claims the slots that it knew of.
   * @param moved slots, with who has them now: before Redis 7 a node may hear of an older claim after it was told.
   */
  async agree(moved: ReadonlyMap<number, string> = new Map()): Promise<void> {
    await this.servers.isUp();
    const viewOf = async ({ admin }: ClusterServer): Promise<string> =>
      ((await admin.call('CLUSTER', 'SLOTS')) as readonly SlotsRow[])
        .map(([first, last, master]) => `${first}-${last} ${String(master[2])}`)
        .toSorted()
        .join();
    await eventually(
      async () => {
        const views = await Promise.all(this.servers.nodes.map(viewOf));
        if (new Set(views).size === 1) return true;
        for (const [slot, id] of moved) await this.#tell(slot, id).catch(() => undefined);
        throw new Error(views.map((view, at) => `${this.servers.nodes[at]?.id ?? ''} says ${view}`).join('\n'));
      },
      { what: 'the nodes to agree on who has which slots' },
    );
  }

  /** Moves the slots of these keys to another master. */
  async moveSlotsOf(keys: readonly string[]): Promise<void> {
    const moved = new Map<number, string>();
    for (const slot of new Set(keys.map((key) => slotOf(Buffer.from(key))))) {
      const { owner, other } = await this.placesOf(slot);
      await this.servers.move([slot], owner, other);
      // As redis-cli does: those that are not told may hear of an older move later.
      await this.#tell(slot, other.id);
      moved.set(slot, other.id);
    }
    await this.agree(moved);
  }

  async #tell(slot: number, id: string): Promise<void> {
    for (const { admin } of await this.masters()) await admin.call('CLUSTER', 'SETSLOT', slot, 'NODE', id);
  }
}

type SlotsRow = readonly [first: number, last: number, master: readonly unknown[]];

const hasSlot = async ({ admin, id }: ClusterServer, slot: number): Promise<boolean> => {
  const ranges = (await admin.call('CLUSTER', 'SLOTS')) as readonly SlotsRow[];
  return ranges.some(([first, last, master]) => slot >= first && slot <= last && String(master[2]) === id);
};
