import type { ConnectOptions, RedisClient, RedisConnection, RedisMaster, RedisTopology } from './port.ts';
import { hasSlot } from './slot-ranges.ts';

/** A connection to each master of the moment: for what asks every server, such as SCAN. */
export class MasterConnections {
  readonly #redis: RedisClient;
  readonly #options: ConnectOptions;
  readonly #topology: RedisTopology;
  readonly #connections = new Map<string, RedisConnection>();

  constructor(redis: RedisClient, options: ConnectOptions) {
    this.#redis = redis;
    this.#options = options;
    this.#topology = redis.topology();
  }

  /**
   * To those that are masters now, each ready.
   * @throws as RedisTopology.ready and RedisConnection.ready do: where one of them is away, nothing can be said of all.
   */
  async all(signal?: AbortSignal): Promise<readonly RedisConnection[]> {
    const { connections, away } = await this.reachable(signal);
    if (away !== undefined) throw away;
    return connections;
  }

  /**
   * To those that are masters now and can be reached, and why one cannot.
   * @throws as RedisTopology.ready does.
   */
  async reachable(
    signal?: AbortSignal,
  ): Promise<{ readonly connections: readonly RedisConnection[]; readonly away: Error | undefined }> {
    const { connections, away } = await this.#reach(signal);
    return { connections: [...connections.values()], away };
  }

  /**
   * To those that are masters now and can be reached, by master.
   * @throws as RedisTopology.ready does.
   */
  async byMaster(signal?: AbortSignal): Promise<ReadonlyMap<RedisMaster, RedisConnection>> {
    return (await this.#reach(signal)).connections;
  }

  async #reach(
    signal?: AbortSignal,
  ): Promise<{ readonly connections: ReadonlyMap<RedisMaster, RedisConnection>; readonly away: Error | undefined }> {
    await this.#topology.ready(signal);
    const { masters } = this.#topology;
    let away: Error | undefined;
    for (const [id, connection] of this.#connections) {
      if (masters.some((master) => master.id === id)) continue;
      this.#connections.delete(id);
      void connection.close();
    }
    const connections = await Promise.all(
      masters.map(async (master) => {
        const connection = this.#connections.get(master.id) ?? this.#redis.connectNode(master, this.#options);
        this.#connections.set(master.id, connection);
        await connection.ready(signal).catch((error: unknown) => {
          away = error as Error;
        });
        return connection.isReady ? [[master, connection] as const] : [];
      }),
    );
    return { connections: new Map(connections.flat()), away };
  }

  /** To the master that has the key's slot now; undefined while nobody has it. */
  of(slot: number): RedisConnection | undefined {
    const master = this.#topology.masters.find(({ slots }) => hasSlot(slots, slot));
    return master && this.#connections.get(master.id);
  }

  async close(): Promise<void> {
    this.#topology.close();
    await Promise.all([...this.#connections.values()].map((connection) => connection.close()));
  }
}
