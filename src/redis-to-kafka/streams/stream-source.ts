import type { KafkaDriver } from '../../clients/kafka/port.ts';
import { MasterConnections } from '../../clients/redis/master-connections.ts';
import type { RedisClient, RedisConnection } from '../../clients/redis/port.ts';
import { type Clock, aborted } from '../../core/clock.ts';
import type { KeyName } from '../../core/key-name.ts';
import type { Logger } from '../../core/log.ts';
import { PauseSwitch } from '../../core/pause-switch.ts';
import type { ChangeWatch } from '../../core/passed-change.ts';
import type { Tracer } from '../../core/tracer.ts';
import type { StreamMetrics } from '../../observability/metrics.ts';
import type { Notes } from '../../state-store/notes.ts';
import { decodeStreamRecord } from '../../codecs/stream-record.ts';
import type { Letter } from '../../dead-letters/read-letter.ts';
import type { Redelivered } from '../../dead-letters/redelivery.ts';
import { republish } from '../publish/republish.ts';
import { topicRoute } from '../publish/routing.ts';
import { SourceTopics } from '../publish/topics.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { Carrier } from './carrier.ts';
import { EntryRecords } from './entry-records.ts';
import { wantedStreams } from './find-streams.ts';
import { followOwners } from './follow-owners.ts';
import { eventSourceHealth } from '../event-source-health.ts';
import { Patience } from '../patience.ts';
import { RememberedOrigin } from '../remembered-origin.ts';
import { readStreams } from './read-streams.ts';
import { type RecordKey, parseRecordKey } from './record-key.ts';
import type { StreamSourceOptions } from './stream-options.ts';
import { type StreamRow, StreamSet } from './stream-set.ts';
import { Upkeep } from './upkeep.ts';

export interface StreamSourceNeeds {
  readonly redis: RedisClient;
  readonly kafka: KafkaDriver;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: StreamMetrics;
  /** Told of what Kafka has; undefined: nobody ever looks. */
  readonly watch?: ChangeWatch | undefined;
  /** undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  /** undefined: nothing is remembered over a restart. */
  readonly notes?: Notes | undefined;
  readonly randomId: () => string;
}

export interface StreamSourceStatus {
  readonly name: string;
  readonly type: 'stream';
  readonly state: 'starting' | 'running' | 'stopped';
  readonly paused: boolean;
  readonly group: string;
  /** How many streams are read, are not there, and are of another type. */
  readonly streamsRead: number;
  readonly streamsMissing: number;
  readonly streamsOfWrongType: number;
  /** Over all streams: entries not read yet, and read but not acknowledged; undefined until known. */
  readonly lag: number | undefined;
  readonly pending: number | undefined;
  /** Those that cannot be read, then those furthest behind; 100 at most. */
  readonly streams: readonly StreamRow[];
}

const MAX_ROWS = 100;

/** A source that is connected and knows its streams. */
interface Opened {
  /** Reads entries, and waits for them; all else goes over `control`, so that nothing waits behind a read. */
  readonly reader: RedisConnection;
  readonly control: RedisConnection;
  readonly streams: StreamSet;
  readonly upkeep: Upkeep;
  readonly carrier: Carrier;
  readonly acknowledgements: Acknowledgements;
}

/**
 * Entries of Redis Streams, to Kafka, at least once: read (own pending entries first) -> publish -> acknowledge. Beside
 * it, the upkeep finds streams and makes groups, takes over what a dead consumer left, and trims.
 */
export class StreamSource {
  /** While it is paused no entry is read, and none taken over; the lag is told. */
  readonly pause = new PauseSwitch();
  readonly #options: StreamSourceOptions;
  readonly #needs: StreamSourceNeeds;
  readonly #recordKey: RecordKey;
  readonly #patience: Patience;
  readonly #closing: { close(): Promise<void> }[] = [];
  /** Rejects when Kafka takes neither a record nor its dead letter. */
  readonly #stuck = Promise.withResolvers<never>();
  #state: StreamSourceStatus['state'] = 'starting';
  #streams: StreamSet | undefined;
  #carrier: Carrier | undefined;

  /** @throws KF_CONFIG_INVALID where recordKey is no template. */
  constructor(options: StreamSourceOptions, needs: StreamSourceNeeds) {
    this.#options = options;
    this.#needs = needs;
    this.#recordKey = parseRecordKey(options.recordKey);
    this.#patience = new Patience(needs);
    needs.metrics.lag(() => this.#streams?.lag);
    needs.metrics.pending(() => this.#streams?.pending);
  }

  /**
   * Carries entries until the signal; then publishes and acknowledges what was read, for as long as `drain` allows.
   * @throws what does not pass by itself: KF_SOURCE_STOPPED, KF_REDIS_AUTH, KF_REDIS_PERMISSION, KF_KAFKA_REFUSED...
   */
  async run(signal: AbortSignal, drain: AbortSignal): Promise<void> {
    const failed = new AbortController();
    const stop = AbortSignal.any([signal, failed.signal]);
    let drained: Promise<void> | undefined;
    try {
      const opened = await this.#open(stop);
      if (opened === undefined) return;
      // What a source that failed has not published yet comes again.
      drained = aborted(stop).then(() => this.#drain(opened, signal.aborted ? drain : AbortSignal.abort()));
      await Promise.race([this.#stuck.promise, Promise.all([this.#carry(opened, stop), drained])]);
    } finally {
      failed.abort();
      await drained;
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

  /** As Addressee.redeliver: published anew, with the key that recordKey gives it now. */
  redeliver(letters: readonly Letter[]): Promise<ReadonlyMap<Letter, Redelivered>> {
    const { topic, name, database } = this.#options;
    const { pattern } = topicRoute(topic, name, database);
    return republish(letters, {
      kafka: this.#needs.kafka,
      isTarget: (target) => pattern.test(target),
      keyOf: ({ stage, record: { key, value, headers } }) =>
        stage === 'KEY_CONVERTER' && value !== null ? this.#recordKey(decodeStreamRecord(value, headers)) : key,
    });
  }

  /** Why this source does not deliver just now; empty where it does. */
  health(): readonly string[] {
    const { name } = this.#options;
    return eventSourceHealth({ name, state: this.#state, patience: this.#patience, refusal: this.#carrier?.failure });
  }

  status(): StreamSourceStatus {
    const streams = this.#streams;
    return {
      name: this.#options.name,
      type: 'stream',
      state: this.#state,
      paused: this.pause.isPaused,
      group: this.#options.group,
      streamsRead: streams?.count('reading') ?? 0,
      streamsMissing: streams?.count('missing') ?? 0,
      streamsOfWrongType: streams?.count('wrong-type') ?? 0,
      lag: streams?.lag,
      pending: streams?.pending,
      streams: streams?.rows(MAX_ROWS) ?? [],
    };
  }

  /** @returns undefined where the signal came first. */
  async #open(signal: AbortSignal): Promise<Opened | undefined> {
    const { redis, kafka } = this.#needs;
    const { name, database, group, deadLetter } = this.#options;
    const reader = this.#connect(redis, 'read');
    const control = this.#connect(redis, 'control');
    const admin = kafka.admin();
    this.#closing.push(admin);
    const route = topicRoute(this.#options.topic, name, database);
    const topics = new SourceTopics({ ...this.#options, ...this.#needs, admin, kind: 'events' });
    const { streams, upkeep } = this.#streamsOver(control, (key) => route.topicOf(key, 'stream'));
    const found = await this.#patience.tryUntilDone('start', signal, async () => {
      await control.ready(signal);
      const origin = await new RememberedOrigin(this.#needs).open(control);
      for (const topic of [route.only, deadLetter]) if (topic !== undefined) await topics.ensure(topic);
      await upkeep.begin();
      return { origin, producer: await kafka.producer() };
    });
    if (found === undefined) return undefined;
    const acknowledgements = new Acknowledgements({ redis: control, group });
    const carrier = new Carrier({
      ...this.#needs,
      producer: found.producer,
      prepare: (records) => topics.ensureOf(records),
      records: new EntryRecords({
        ...this.#needs,
        source: name,
        recordKey: this.#recordKey,
        deadLetter,
        origin: found.origin,
      }),
      acknowledgements,
      onStopped: this.#stuck.reject,
    });
    this.#streams = streams;
    this.#carrier = carrier;
    this.#state = 'running';
    return { reader, control, streams, upkeep, carrier, acknowledgements };
  }

  #streamsOver(control: RedisConnection, topicOf: (key: KeyName) => string): Pick<Opened, 'streams' | 'upkeep'> {
    const { redis, metrics } = this.#needs;
    const { named, globs } = wantedStreams(this.#options.keys);
    const onGroupRemade = (): void => {
      metrics.groupsRemade(1);
    };
    const { isCluster } = redis;
    const streams = new StreamSet({
      ...this.#options,
      ...this.#needs,
      redis: control,
      isCluster,
      named,
      topicOf,
      onGroupRemade,
    });
    const upkeep = new Upkeep({
      ...this.#needs,
      options: this.#options,
      pause: this.pause,
      patience: this.#patience,
      globs,
      control,
      masters: isCluster ? this.#mastersOf(redis, streams) : undefined,
      streams,
    });
    return { streams, upkeep };
  }

  async #carry({ upkeep, acknowledgements, ...opened }: Opened, stop: AbortSignal): Promise<void> {
    const { pause } = this;
    const reading = { ...opened, ...this.#options, pause, patience: this.#patience, clock: this.#needs.clock };
    await Promise.all([readStreams(reading, stop), acknowledgements.run(stop, this.#patience), upkeep.run(stop)]);
  }

  async #drain({ carrier, acknowledgements }: Opened, until: AbortSignal): Promise<void> {
    await carrier.close(until);
    // What Redis does not take now comes again.
    await acknowledgements.flush().catch(() => undefined);
  }

  /** Of a cluster. */
  #mastersOf(redis: RedisClient, streams: StreamSet): MasterConnections {
    const { name, database } = this.#options;
    const masters = new MasterConnections(redis, { db: database, name: `${name}:search` });
    const topology = redis.topology();
    followOwners(topology, () => streams.readings);
    const close = async (): Promise<void> => {
      topology.close();
      await masters.close();
    };
    this.#closing.push({ close });
    return masters;
  }

  #connect(redis: RedisClient, role: string): RedisConnection {
    const { name, database } = this.#options;
    const connection = redis.connect({ db: database, name: `${name}:${role}` });
    this.#closing.push(connection);
    return connection;
  }
}
