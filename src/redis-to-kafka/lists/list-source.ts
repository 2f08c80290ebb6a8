import type { KafkaDriver } from '../../clients/kafka/port.ts';
import type { RedisClient, RedisConnection } from '../../clients/redis/port.ts';
import type { Clock } from '../../core/clock.ts';
import { keyName } from '../../core/key-name.ts';
import type { Logger } from '../../core/log.ts';
import { PauseSwitch } from '../../core/pause-switch.ts';
import type { ChangeWatch } from '../../core/passed-change.ts';
import type { ListMetrics } from '../../observability/metrics.ts';
import type { Notes } from '../../state-store/notes.ts';
import type { Letter } from '../../dead-letters/read-letter.ts';
import type { Redelivered } from '../../dead-letters/redelivery.ts';
import { republish } from '../publish/republish.ts';
import { topicRoute } from '../publish/routing.ts';
import { SourceTopics } from '../publish/topics.ts';
import { eventSourceHealth } from '../event-source-health.ts';
import { Patience } from '../patience.ts';
import { RememberedOrigin } from '../remembered-origin.ts';
import { ItemCarrier } from './item-carrier.ts';
import { type ItemRoute, ItemRecords, recordKeyOf } from './item-records.ts';
import { listKeys } from './list-keys.ts';
import { ListMover, type ListRow } from './list-mover.ts';
import type { ListSourceOptions } from './list-options.ts';

/** I9: all lists together take so much in one turn each, but each may take this least. */
const TURN_BYTES = 4_000_000;
const LEAST_TURN_BYTES = 64_000;

export interface ListSourceNeeds {
  readonly redis: RedisClient;
  readonly kafka: KafkaDriver;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: ListMetrics;
  /** Told of what Kafka has; undefined: nobody ever looks. */
  readonly watch?: ChangeWatch | undefined;
  /** undefined: nothing is remembered over a restart. */
  readonly notes?: Notes | undefined;
  readonly randomId: () => string;
}

export interface ListSourceStatus {
  readonly name: string;
  readonly type: 'list';
  readonly state: 'starting' | 'running' | 'stopped';
  readonly paused: boolean;
  /** Items that stand in the lists; undefined until known. */
  readonly length: number | undefined;
  /** Items taken that Kafka is not known to hold. */
  readonly inFlight: number;
  readonly lists: readonly ListRow[];
}

/** A source that is connected. */
interface Opened {
  readonly carrier: ItemCarrier;
  readonly movers: readonly ListMover[];
}

/**
 * Items of Redis lists, to Kafka, at least once: moved to a processing list, published, and removed from there once Kafka
 * holds them. What a crash leaves in the processing list is published first.
 */
export class ListSource {
  /** While it is paused no item is taken; the lists' lengths are told. */
  readonly pause = new PauseSwitch();
  readonly #options: ListSourceOptions;
  readonly #needs: ListSourceNeeds;
  readonly #patience: Patience;
  readonly #closing: { close(): Promise<void> }[] = [];
  /** Rejects when Kafka takes neither a record nor its dead letter. */
  readonly #stuck = Promise.withResolvers<never>();
  #state: ListSourceStatus['state'] = 'starting';
  #opened: Opened | undefined;

  constructor(options: ListSourceOptions, needs: ListSourceNeeds) {
    this.#options = options;
    this.#needs = needs;
    this.#patience = new Patience(needs);
    needs.metrics.length(() => this.#length);
  }

  /**
   * Carries items until the signal; then publishes and removes what was taken, for as long as `drain` allows.
   * @throws what does not pass by itself: KF_SOURCE_STOPPED, KF_REDIS_AUTH, KF_REDIS_PERMISSION, KF_KAFKA_REFUSED...
   */
  async run(signal: AbortSignal, drain: AbortSignal): Promise<void> {
    const failed = new AbortController();
    const stop = AbortSignal.any([signal, failed.signal]);
    let moving: Promise<unknown> | undefined;
    try {
      this.#opened = await this.#open(stop);
      if (this.#opened === undefined) return;
      this.#state = 'running';
      moving = Promise.all(this.#opened.movers.map((mover) => mover.run(stop)));
      await Promise.race([this.#stuck.promise, moving]);
    } finally {
      failed.abort();
      await Promise.allSettled([moving]);
      // What a source that failed has not published yet comes again.
      await this.#drain(signal.aborted ? drain : AbortSignal.abort());
      this.#state = 'stopped';
      await Promise.allSettled(this.#closing.map((each) => each.close()));
    }
  }

  get name(): string {
    return this.#options.name;
  }

  get deadLetter(): string | undefined {
    return this.#options.deadLetter;
  }

  /** As Addressee.redeliver: published anew. */
  redeliver(letters: readonly Letter[]): Promise<ReadonlyMap<Letter, Redelivered>> {
    const topics = new Set(this.#routes().map(({ topic }) => topic));
    return republish(letters, {
      kafka: this.#needs.kafka,
      isTarget: (topic) => topics.has(topic),
      keyOf: ({ record: { key } }) => key,
    });
  }

  /** Why this source does not deliver just now; empty where it does. */
  health(): readonly string[] {
    const { name } = this.#options;
    return eventSourceHealth({
      name,
      state: this.#state,
      patience: this.#patience,
      refusal: this.#opened?.carrier.failure,
    });
  }

  status(): ListSourceStatus {
    const lists = (this.#opened?.movers ?? []).map((mover) => mover.row());
    return {
      name: this.#options.name,
      type: 'list',
      state: this.#state,
      paused: this.pause.isPaused,
      length: this.#length,
      inFlight: lists.reduce((sum, { inFlight }) => sum + inFlight, 0),
      lists,
    };
  }

  /** @returns undefined where the signal came first. */
  async #open(signal: AbortSignal): Promise<Opened | undefined> {
    const { kafka } = this.#needs;
    const { name, deadLetter } = this.#options;
    const control = this.#connect('control');
    const admin = kafka.admin();
    this.#closing.push(admin);
    const topics = new SourceTopics({ ...this.#options, ...this.#needs, admin, kind: 'events' });
    const routes = this.#routes();
    const found = await this.#patience.tryUntilDone('start', signal, async () => {
      await control.ready(signal);
      const origin = await new RememberedOrigin(this.#needs).open(control);
      for (const { topic } of routes) await topics.ensure(topic);
      if (deadLetter !== undefined) await topics.ensure(deadLetter);
      return { origin, producer: await kafka.producer() };
    });
    if (found === undefined) return undefined;
    const carrier = new ItemCarrier({
      ...this.#needs,
      producer: found.producer,
      prepare: (records) => topics.ensureOf(records),
      records: new ItemRecords({ source: name, deadLetter, origin: found.origin }),
      onStopped: this.#stuck.reject,
    });
    return { carrier, movers: routes.map((route) => this.#mover(route, control, carrier)) };
  }

  #routes(): readonly ItemRoute[] {
    const { name, database, keys, topic, recordKey } = this.#options;
    const route = topicRoute(topic, name, database);
    return [...new Set(keys)].map((key) => {
      const list = Buffer.from(key);
      return { list, topic: route.topicOf(keyName(list), 'list'), recordKey: recordKeyOf(recordKey, list) };
    });
  }

  #mover(route: ItemRoute, control: RedisConnection, carrier: ItemCarrier): ListMover {
    const { name, keys } = this.#options;
    return new ListMover({
      ...this.#options,
      ...this.#needs,
      keys: listKeys(route.list, name),
      route,
      maxTurnBytes: Math.max(LEAST_TURN_BYTES, Math.floor(TURN_BYTES / keys.length)),
      waiting: this.#connect('wait'),
      control,
      carrier,
      pause: this.pause,
      patience: this.#patience,
    });
  }

  async #drain(until: AbortSignal): Promise<void> {
    if (this.#opened === undefined) return;
    const { carrier, movers } = this.#opened;
    await carrier.close(until);
    // What Redis does not take now comes again.
    await Promise.allSettled(movers.map((mover) => mover.close()));
  }

  get #length(): number | undefined {
    const lengths = (this.#opened?.movers ?? []).flatMap(({ length }) => length ?? []);
    return lengths.length === 0 ? undefined : lengths.reduce((sum, length) => sum + length, 0);
  }

  #connect(role: string): RedisConnection {
    const { name, database } = this.#options;
    const connection = this.#needs.redis.connect({ db: database, name: `${name}:${role}` });
    this.#closing.push(connection);
    return connection;
  }
}
