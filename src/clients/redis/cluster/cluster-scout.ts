import type { Clock } from '../../../core/clock.ts';
import { KeyferryError } from '../../../core/errors.ts';
import { type RedisAddress, addressText } from '../address.ts';
import { ReconnectingConnection } from '../connection.ts';
import type { DialOptions, Line } from '../dial.ts';
import { LatestEpoch } from '../latest-epoch.ts';
import type { RedisConnection, RedisMaster } from '../port.ts';
import type { Scout } from '../topology-watch.ts';
import { askWithin, firstAnswers } from '../within.ts';
import { type ClusterView, readView } from './cluster-view.ts';
import { mergeViews } from './merge-views.ts';

export interface ClusterScoutOptions {
  /** Some nodes of the cluster; the others are found by them. */
  readonly seeds: readonly RedisAddress[];
  readonly dial: (address: RedisAddress, options: Pick<DialOptions, 'previous' | 'signal'>) => Promise<Line>;
  readonly clock: Clock;
}

/** A node that does not answer in time is left out; one that is frozen holds nobody up for longer. */
const ANSWER_MS = 1_000;
const GRACE_MS = 200;

/** Each of them knows all; several, so that one which was left behind is outvoted. */
const MOST_ASKED = 5;

/** Asks some masters how the cluster stands; where none of them answers, whoever else is known. */
export class ClusterScout implements Scout {
  readonly #options: ClusterScoutOptions;
  readonly #latest = new LatestEpoch();
  readonly #connections = new Map<string, RedisConnection>();
  #asked: readonly RedisAddress[];
  #others: readonly RedisAddress[] = [];

  constructor(options: ClusterScoutOptions) {
    this.#options = options;
    this.#asked = options.seeds;
  }

  async look(): Promise<readonly RedisMaster[]> {
    const views = await this.#ask(this.#asked).catch((error: unknown) => {
      if (this.#others.length === 0) throw error;
      return this.#ask(this.#others);
    });
    const masters = mergeViews(views);
    this.#asked = masters.slice(0, MOST_ASKED);
    this.#others = [
      ...masters.slice(MOST_ASKED),
      ...views.flatMap(({ nodes }) => nodes.filter(({ isMaster }) => !isMaster)),
      ...this.#options.seeds,
    ];
    this.#closeAllBut(this.#asked);
    return masters;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#connections.values()].map((connection) => connection.close()));
  }

  /** @throws where nobody answers, or only nodes that know less than others said before. */
  async #ask(addresses: readonly RedisAddress[]): Promise<readonly ClusterView[]> {
    const { clock } = this.#options;
    const byText = new Map(addresses.map((address) => [addressText(address), address]));
    const asked = [...byText].map(async ([text, address]) => {
      const question = (node: RedisConnection): Promise<ClusterView> => readView(node, address);
      return { text, ...(await askWithin(this.#connectionTo(address), question, { ms: ANSWER_MS, clock })) };
    });
    const answers = await firstAnswers(asked, { graceMs: GRACE_MS, clock });
    const latest = this.#latest.of(answers, clock.monotonic());
    if (latest.length === 0) {
      throw new KeyferryError('KF_REDIS_UNAVAILABLE', 'Only nodes answer that the cluster has left behind');
    }
    // Not in the order of their arrival: what two tell differently must not change with each look.
    return latest.toSorted((a, b) => (a.text < b.text ? -1 : 1));
  }

  #connectionTo(address: RedisAddress): RedisConnection {
    const text = addressText(address);
    const { dial, clock } = this.#options;
    const connection =
      this.#connections.get(text) ?? new ReconnectingConnection({ dial: (extra) => dial(address, extra), clock });
    this.#connections.set(text, connection);
    return connection;
  }

  #closeAllBut(addresses: readonly RedisAddress[]): void {
    const kept = new Set(addresses.map(addressText));
    for (const [text, connection] of this.#connections) {
      if (kept.has(text)) continue;
      this.#connections.delete(text);
      void connection.close();
    }
  }
}
