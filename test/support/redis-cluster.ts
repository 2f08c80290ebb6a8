import { connectRedis } from '../../src/clients/redis/connect.ts';
import { slotOf } from '../../src/clients/redis/cluster/slots.ts';
import { isRefusedWith } from '../../src/clients/redis/script-runner.ts';
import type { RedisArgument, RedisConnection, RedisReply } from '../../src/clients/redis/port.ts';
import type { TlsFiles } from './certificates.ts';
import { eventually } from './eventually.ts';
import type { RedisServer, StackProvider } from './stack.ts';

const SLOT_COUNT = 16_384;
/** A machine that stands still for a moment is not to make a replica take over. */
const NODE_TIMEOUT_MS = 5_000;
const MIGRATE_TIMEOUT_MS = 60_000;
const KEYS_PER_MIGRATE = 100;
const START_ATTEMPTS = 10;
const FAILOVER_ATTEMPTS = 15;

/** One node, with a connection past everything that knows of clusters. */
export interface ClusterServer extends RedisServer {
  readonly id: string;
  readonly admin: RedisConnection;
}

interface ClusterOptions {
  readonly masters?: number;
  /** Of each master. */
  readonly replicas?: number;
  readonly args?: readonly string[];
  /** Its nodes speak TLS and nothing else, to each other too. */
  readonly tls?: TlsFiles;
}

/** Real nodes as local processes. Those that were masters at the start come first, their replicas behind, in order. */
export class RedisCluster {
  readonly #provider: StackProvider;
  readonly #args: readonly string[];
  readonly #tls: TlsFiles | undefined;
  readonly nodes: ClusterServer[] = [];

  private constructor(provider: StackProvider, { args = [], tls }: ClusterOptions) {
    this.#provider = provider;
    this.#args = args;
    this.#tls = tls;
  }

  /** Resolves once every node knows all others and takes commands. */
  static async start(provider: StackProvider, options: ClusterOptions = {}): Promise<RedisCluster> {
    const { masters = 3, replicas = 1 } = options;
    const cluster = new RedisCluster(provider, options);
    await Promise.all(Array.from({ length: masters * (1 + replicas) }, () => cluster.#startNode()));
    const owners = cluster.nodes.slice(0, masters);
    await Promise.all(
      owners.map(({ admin }, at) => {
        const begin = (part: number): number => Math.floor((part * SLOT_COUNT) / masters);
        const slots = Array.from({ length: begin(at + 1) - begin(at) }, (_, slot) => begin(at) + slot);
        return admin.call('CLUSTER', 'ADDSLOTS', ...slots);
      }),
    );
    await Promise.all(cluster.nodes.map(({ admin }, at) => admin.call('CLUSTER', 'SET-CONFIG-EPOCH', at + 1)));
    for (const node of cluster.nodes.slice(1)) await cluster.#meet(node);
    await cluster.#allKnow(cluster.nodes.length);
    for (const [at, replica] of cluster.nodes.slice(masters).entries()) {
      await replica.admin.call('CLUSTER', 'REPLICATE', owners[at % masters]?.id ?? '');
    }
    await cluster.isUp();
    return cluster;
  }

  get seeds(): readonly string[] {
    return this.nodes.map(({ host, port }) => `${host}:${port}`);
  }

  /** The node at this place of `nodes`. */
  node(at: number): ClusterServer {
    const node = this.nodes[at];
    if (node === undefined) throw new Error(`the cluster has no node ${at}`);
    return node;
  }

  /** Those that call themselves masters now. */
  async masters(): Promise<readonly ClusterServer[]> {
    const roles = await Promise.all(this.nodes.map(({ admin }) => admin.call('ROLE').then(String, () => 'away')));
    return this.nodes.filter((_, at) => roles[at]?.startsWith('master'));
  }

  /** Who has the key's slot, as `from` sees it. */
  async ownerOf(key: string | Buffer, from = this.node(0)): Promise<ClusterServer> {
    const slot = slotOf(Buffer.from(key));
    for (const range of (await from.admin.call('CLUSTER', 'SLOTS')) as readonly (readonly RedisReply[])[]) {
      const [first, last, master] = range as [number, number, readonly RedisReply[]];
      const found = this.nodes.find(({ id }) => id === String(master[2]));
      if (slot >= first && slot <= last && found !== undefined) return found;
    }
    throw new Error(`nobody has slot ${slot}`);
  }

  /** A master without slots. */
  async addMaster(): Promise<ClusterServer> {
    const node = await this.#startNode();
    await this.#meet(node);
    await this.#allKnow(this.nodes.length);
    await this.isUp([node]);
    return node;
  }

  /** A node that has given its slots away. All others forget it, then it ends. */
  async removeMaster(node: ClusterServer): Promise<void> {
    const others = this.nodes.filter((each) => each !== node);
    await Promise.all(others.map(({ admin }) => admin.call('CLUSTER', 'FORGET', node.id)));
    this.nodes.splice(this.nodes.indexOf(node), 1);
    await node.admin.close();
    await node.kill();
  }

  /** The replica takes its master's place with its consent; resolves once it has. */
  async failover(replica: ClusterServer): Promise<void> {
    const isMaster = async (): Promise<boolean> => String(await replica.admin.call('ROLE')).startsWith('master');
    for (let attempt = 1; ; attempt += 1) {
      // It may have become one after we gave up: a master refuses the command.
      const isAccepted = async (): Promise<boolean> =>
        (await isMaster()) || (await replica.admin.call('CLUSTER', 'FAILOVER')) !== null;
      await eventually(isAccepted, { what: 'the failover to be accepted' });
      try {
        // Redis gives up by itself after 5 s, where the others did not vote in time: then it is asked again.
        await eventually(isMaster, { what: 'the replica to be the master', timeoutMs: 7_000 });
        return;
      } catch (error) {
        if (attempt === FAILOVER_ATTEMPTS) throw error;
      }
    }
  }

  /** Opens a slot's way from its owner to another master: keys may be on either side until `endMove`. */
  async beginMove(slot: number, from: ClusterServer, to: ClusterServer): Promise<void> {
    await to.admin.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
    await from.admin.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
  }

  /** Moves the slot's keys. */
  async moveKeys(slot: number, from: ClusterServer, to: ClusterServer): Promise<void> {
    for (;;) {
      const keys = (await from.admin.call('CLUSTER', 'GETKEYSINSLOT', slot, KEYS_PER_MIGRATE)) as readonly Buffer[];
      if (keys.length === 0) return;
      const where: RedisArgument[] = [to.host, to.port, '', 0, MIGRATE_TIMEOUT_MS];
      await from.admin.call('MIGRATE', ...where, 'KEYS', ...keys);
    }
  }

  async endMove(slot: number, from: ClusterServer, to: ClusterServer): Promise<void> {
    await to.admin.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
    await from.admin.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id).catch((error: unknown) => {
      // It has heard so, had no other slot, and so became a replica.
      if (!isRefusedWith(error, 'ERR Please use SETSLOT only with masters')) throw error;
    });
  }

  /** Moves slots with their keys, as a reshard does. */
  async move(slots: readonly number[], from: ClusterServer, to: ClusterServer): Promise<void> {
    for (const slot of slots) {
      await this.beginMove(slot, from, to);
      await this.moveKeys(slot, from, to);
      await this.endMove(slot, from, to);
    }
  }

  /** Resolves once all nodes that run say that the cluster takes commands. */
  async isUp(nodes: readonly ClusterServer[] = this.nodes): Promise<void> {
    await Promise.all(
      nodes.map(({ admin, port }) =>
        eventually(
          async () => {
            const info = String(await admin.call('CLUSTER', 'INFO'));
            const replication = String(await admin.call('INFO', 'replication'));
            return info.includes('cluster_state:ok') && !replication.includes('master_link_status:down');
          },
          { what: `the node at ${port} to be up` },
        ),
      ),
    );
  }

  async kill(): Promise<void> {
    await Promise.all(this.nodes.map(({ admin }) => admin.close()));
    await Promise.all(this.nodes.map((node) => node.kill()));
  }

  async #startNode(): Promise<ClusterServer> {
    const timing = ['--cluster-node-timeout', String(NODE_TIMEOUT_MS), '--repl-diskless-sync-delay', '0'];
    const flags = ['--cluster-enabled', 'yes', '--notify-keyspace-events', 'AE', ...timing];
    const secured = this.#tls === undefined ? [] : ['--tls-cluster', 'yes', '--tls-replication', 'yes'];
    const server = await this.#startServer([...flags, ...secured, ...this.#args]);
    const tls = this.#tls && { enabled: true, ...this.#tls };
    const admin = connectRedis({ url: server.url, tls, name: 'test' }).connect({ db: 0, name: 'admin' });
    await admin.ready();
    const node = { ...server, admin, id: String(await admin.call('CLUSTER', 'MYID')) };
    this.nodes.push(node);
    return node;
  }

  /** The port between nodes lies 10,000 above, where a client's own port may stand in its way: then another is tried. */
  async #startServer(args: readonly string[]): Promise<RedisServer> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#provider.startRedis({ args, ...(this.#tls && { tls: this.#tls }) });
      } catch (error) {
        if (attempt === START_ATTEMPTS) throw error;
      }
    }
  }

  async #meet(node: ClusterServer): Promise<void> {
    const { host, port } = this.node(0);
    await node.admin.call('CLUSTER', 'MEET', host, port);
  }

  async #allKnow(count: number): Promise<void> {
    for (const { admin } of this.nodes) {
      await eventually(
        async () => {
          const lines = String(await admin.call('CLUSTER', 'NODES'))
            .trim()
            .split('\n');
          return lines.length === count && !lines.some((line) => /handshake|fail/.test(line));
        },
        { what: 'the nodes to know each other' },
      );
    }
  }
}

/** The first key of a slot that `prefix0`, `prefix1`, ... give. */
export const keyIn = (slot: number, prefix = 'key:'): string => {
  for (let at = 0; ; at += 1) if (slotOf(Buffer.from(`${prefix}${at}`)) === slot) return `${prefix}${at}`;
};
