import type { Clock } from '../../../core/clock.ts';
import { KeyferryError } from '../../../core/errors.ts';
import { type RedisAddress, addressText } from '../address.ts';
import { ReconnectingConnection } from '../connection.ts';
import type { DialOptions, Line } from '../dial.ts';
import { ALL_SLOTS } from '../fixed-topology.ts';
import { LatestEpoch } from '../latest-epoch.ts';
import type { RedisConnection, RedisMaster } from '../port.ts';
import type { Scout } from '../topology-watch.ts';
import { askWithin, firstAnswers } from '../within.ts';
import { readNews } from './master-news.ts';
import { readRole } from './role.ts';

type Dial = (address: RedisAddress, options: Pick<DialOptions, 'previous' | 'signal'>) => Promise<Line>;

export interface SentinelScoutOptions {
  readonly sentinels: readonly RedisAddress[];
  /** By which the sentinels know it. */
  readonly masterName: string;
  readonly dialSentinel: Dial;
  readonly dialMaster: Dial;
  readonly clock: Clock;
}

/** A sentinel that does not answer in time is left out; one that is frozen holds nobody up for longer. */
const ANSWER_MS = 1_000;
const GRACE_MS = 200;

/** Asks all sentinels who the master is, and whoever they name whether it agrees. */
export class SentinelScout implements Scout {
  readonly #options: SentinelScoutOptions;
  readonly #sentinels: readonly RedisConnection[];
  readonly #latest = new LatestEpoch();
  #master: { readonly address: RedisAddress; readonly connection: RedisConnection } | undefined;

  constructor(options: SentinelScoutOptions) {
    this.#options = options;
    this.#sentinels = options.sentinels.map((address) => this.#connect(address, options.dialSentinel));
  }

  /** Nobody, where the server that should be the master says that it is none. */
  async look(): Promise<readonly RedisMaster[]> {
    const address = await this.#tellMaster();
    if (address === undefined) return [];
    const { host, port } = address;
    return [{ id: addressText(address), host, port, slots: ALL_SLOTS }];
  }

  async close(): Promise<void> {
    const master = this.#master === undefined ? [] : [this.#master.connection];
    await Promise.all([...this.#sentinels, ...master].map((connection) => connection.close()));
  }

  async #tellMaster(): Promise<RedisAddress | undefined> {
    const failure = await this.#askSentinels().catch((error: unknown) => error as Error);
    // The one known so far may have been demoted by hand, or by sentinels that do not answer us.
    const role = this.#master && (await this.#ask(this.#master.connection, readRole).catch(() => undefined));
    if (role !== undefined && role !== 'master') return undefined;
    if (failure !== undefined) throw failure;
    return this.#master?.address;
  }

  async #askSentinels(): Promise<undefined> {
    const { clock, masterName } = this.#options;
    const asked = this.#sentinels.map((sentinel) => this.#ask(sentinel, (from) => readNews(from, masterName)));
    const answers = await firstAnswers(asked, { graceMs: GRACE_MS, clock });
    const known = answers.filter((news) => news !== undefined);
    if (known.length === 0) {
      throw new KeyferryError(
        'KF_REDIS_UNAVAILABLE',
        `The sentinels watch no master "${masterName}": correct redis.sentinelName`,
      );
    }
    // Those who know less than others said before are not followed.
    const [latest] = this.#latest.of(known, clock.monotonic());
    if (latest !== undefined) this.#follow(latest.address);
  }

  #follow(address: RedisAddress): void {
    if (this.#master !== undefined && addressText(this.#master.address) === addressText(address)) return;
    void this.#master?.connection.close();
    this.#master = { address, connection: this.#connect(address, this.#options.dialMaster) };
  }

  #ask<T>(connection: RedisConnection, question: (connection: RedisConnection) => Promise<T>): Promise<T> {
    return askWithin(connection, question, { ms: ANSWER_MS, clock: this.#options.clock });
  }

  #connect(address: RedisAddress, dial: Dial): RedisConnection {
    return new ReconnectingConnection({ dial: (extra) => dial(address, extra), clock: this.#options.clock });
  }
}
