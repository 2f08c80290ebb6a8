import { KeyferryError } from '../../../core/errors.ts';
import { type RedisAddress, addressText } from '../address.ts';
import { SLOT_COUNT } from '../fixed-topology.ts';
import type { RedisConnection, RedisMaster, RedisTopology } from '../port.ts';

interface Node {
  readonly connection: RedisConnection;
  /** Its first attempt to connect came to its end, good or bad: a command that came before waits for it. */
  readonly tried: Promise<void>;
}

/** A connection to each node that commands go to, and who has which slot. */
export class NodePool {
  readonly #connectTo: (address: RedisAddress) => RedisConnection;
  readonly #nodes = new Map<string, Node>();
  #owners: (RedisAddress | undefined)[] = [];
  #masters: readonly RedisMaster[] = [];

  constructor(topology: RedisTopology, connectTo: (address: RedisAddress) => RedisConnection) {
    this.#connectTo = connectTo;
    topology.onChange((masters) => {
      this.#follow(masters);
    });
    this.#follow(topology.masters);
  }

  get isReady(): boolean {
    return this.#masters.some((master) => this.#nodes.get(addressText(master))?.connection.isReady);
  }

  /** @throws why, where no master can be reached. */
  async ready(signal?: AbortSignal): Promise<void> {
    const attempts = this.#masters.map((master) => this.#node(master).connection.ready(signal));
    if (attempts.length === 0) throw new KeyferryError('KF_REDIS_UNAVAILABLE', 'The cluster has no master');
    await Promise.any(attempts).catch((error: unknown) => {
      throw (error as AggregateError).errors[0];
    });
  }

  /** The same object for the same node, until the masters change. */
  ownerOf(slot: number): RedisAddress | undefined {
    return this.#owners[slot];
  }

  anyone(): RedisAddress | undefined {
    return this.#masters.find((master) => this.#nodes.get(addressText(master))?.connection.isReady) ?? this.#masters[0];
  }

  async at(address: RedisAddress): Promise<RedisConnection> {
    const { connection, tried } = this.#node(address);
    if (!connection.isReady) await tried;
    return connection;
  }

  /** A node said so, before the topology did. */
  moved(slot: number, address: RedisAddress): void {
    const text = addressText(address);
    this.#owners[slot] = this.#masters.find((master) => addressText(master) === text) ?? address;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#nodes.values()].map(({ connection }) => connection.close()));
  }

  #node(address: RedisAddress): Node {
    const text = addressText(address);
    const known = this.#nodes.get(text);
    if (known !== undefined) return known;
    const connection = this.#connectTo(address);
    const node = { connection, tried: connection.ready().catch(() => undefined) };
    this.#nodes.set(text, node);
    return node;
  }

  #follow(masters: readonly RedisMaster[]): void {
    this.#masters = masters;
    this.#owners = Array.from({ length: SLOT_COUNT });
    for (const master of masters) {
      for (const { first, last } of master.slots) this.#owners.fill(master, first, last + 1);
    }
    const kept = new Set(masters.map(addressText));
    for (const [text, { connection }] of this.#nodes) {
      if (kept.has(text)) continue;
      this.#nodes.delete(text);
      void connection.close();
    }
    // Nobody may ask before it is ready.
    for (const master of masters) this.#node(master);
  }
}
