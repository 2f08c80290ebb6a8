import { addressText } from '../clients/redis/address.ts';
import { connectRedis } from '../clients/redis/connect.ts';
import { infoField } from '../clients/redis/info.ts';
import { MasterConnections } from '../clients/redis/master-connections.ts';
import type { RedisClient, RedisConnection, RedisTopology } from '../clients/redis/port.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import type { RedisServerLoad } from '../observability/metrics.ts';
import type { Tools } from './flows.ts';

const EVERY_MS = 15_000;
/** Once may be while a server takes over. */
const UNSEEN_TO_TELL = 2;

/** One for each Redis that the flows use. @param usesMain whether the main one is among them */
export const openRedisWatches = (
  usesMain: boolean,
  { config, clock, logger, metrics }: Tools,
): readonly RedisWatch[] => {
  const used = new Set([...(usesMain ? [config.redis] : []), ...config.sinks.map(({ redis }) => redis)]);
  return Array.from(used, (redis) => {
    const watch = new RedisWatch(connectRedis({ ...redis, name: config.kafka.clientId, clock }), { clock, logger });
    metrics.redis.servers(() => watch.loads());
    return watch;
  });
};

/**
 * Asks each master of a Redis now and then how full it is: a Redis that evicts keys, or takes no more writes, is the
 * reason of much that flows report. It only tells, for /metrics. And it says where nobody tells who the masters are: flows
 * go on with those they know, and would not notice.
 */
export class RedisWatch {
  readonly #masters: MasterConnections;
  readonly #topology: RedisTopology;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #loads: readonly RedisServerLoad[] = [];
  #failure: string | undefined;
  /** Looks in a row at which nobody told who the masters are. */
  #unseen = 0;

  constructor(redis: RedisClient, { clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#masters = new MasterConnections(redis, { db: 0, name: 'load' });
    this.#topology = redis.topology();
    this.#clock = clock;
    this.#logger = logger;
  }

  /** As the masters told last; those that did not are absent. */
  loads(): readonly RedisServerLoad[] {
    return this.#loads;
  }

  /** Until the signal; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#loads = await this.#ask(signal).catch((error: unknown) => this.#tell(error));
      this.#tellUnseen();
      await this.#clock.sleep(EVERY_MS, signal);
    }
  }

  close(): Promise<void> {
    this.#topology.close();
    return this.#masters.close();
  }

  async #ask(signal: AbortSignal): Promise<readonly RedisServerLoad[]> {
    let failure: unknown;
    const loads = await Promise.all(
      [...(await this.#masters.byMaster(signal))].map(async ([master, connection]) =>
        loadOf(addressText(master), connection).catch((error: unknown) => {
          failure = error;
          return [];
        }),
      ),
    );
    if (failure !== undefined) this.#tell(failure);
    else this.#failure = undefined;
    return loads.flat();
  }

  #tellUnseen(): void {
    const { failure, masters } = this.#topology;
    if (failure === undefined) {
      if (this.#unseen >= UNSEEN_TO_TELL) this.#logger.info({}, 'Redis tells who its masters are again');
      this.#unseen = 0;
      return;
    }
    // Whoever waits for the first sight says so.
    if (masters.length > 0) this.#unseen += 1;
    if (this.#unseen !== UNSEEN_TO_TELL) return;
    const { code, message: reason } = failure;
    this.#logger.warn(
      { code, reason },
      'nobody tells who the masters of Redis are: one that takes over would be missed',
    );
  }

  /** Once, as long as it stays the same. */
  #tell(error: unknown): readonly [] {
    const reason = messageOf(error);
    if (this.#failure !== reason) this.#logger.debug({ reason }, 'Redis does not tell its memory and evictions');
    this.#failure = reason;
    return [];
  }
}

const loadOf = async (address: string, connection: RedisConnection): Promise<readonly [RedisServerLoad]> => {
  const [memory, stats] = await Promise.all([connection.call('INFO', 'memory'), connection.call('INFO', 'stats')]);
  const max = numberIn(String(memory), 'maxmemory');
  return [
    {
      address,
      usedMemoryBytes: numberIn(String(memory), 'used_memory'),
      // Redis' word for no limit is 0.
      maxMemoryBytes: max === 0 ? undefined : max,
      evictedKeys: numberIn(String(stats), 'evicted_keys'),
    },
  ];
};

const numberIn = (info: string, name: string): number | undefined => {
  const text = infoField(info, name);
  return text === undefined ? undefined : Number(text);
};
