import type { RedisConnection, RedisReply } from '../../clients/redis/port.ts';
import { type KeyferryError, isKeyferryError } from '../../core/errors.ts';
import { type KeyName, keyBytes } from '../../core/key-name.ts';
import type { Logger } from '../../core/log.ts';
import { isTransient } from '../../core/retry.ts';
import { Reading } from './reading.ts';
import { type SlotGroup, slotGroups } from './slot-groups.ts';
import { type StreamInfo, boundLags, inspectStreams } from './stream-info.ts';

/** Keys of one look: others get their turn in between. */
const KEYS_AT_ONCE = 200;

export interface StreamSetOptions {
  readonly redis: RedisConnection;
  /** Streams of several slots are not read by one command. */
  readonly isCluster: boolean;
  readonly group: string;
  /** Where a group begins that a stream lacks when the source starts. */
  readonly from: 'beginning' | 'end';
  /** Streams that are waited for while they are not there. */
  readonly named: readonly KeyName[];
  readonly topicOf: (key: KeyName) => string;
  readonly logger: Logger;
  /** A group that had been read had gone, and was made again. */
  readonly onGroupRemade: () => void;
}

/** One key that is, was or shall be a stream. */
interface Stream {
  readonly key: KeyName;
  readonly name: Buffer;
  state: 'reading' | 'missing' | 'wrong-type';
  reading: Reading | undefined;
  /** Its group was read before: to make it again means to read entries again. */
  wasRead: boolean;
}

export interface StreamRow {
  readonly key: string;
  readonly state: Stream['state'];
  /** Entries that the group has not read; undefined until known. */
  readonly lag: number | undefined;
  /** Entries that the group has read and not acknowledged. */
  readonly pending: number | undefined;
}

/** The streams of a source: which are there to be read, and how far behind their groups are. */
export class StreamSet {
  readonly #options: StreamSetOptions;
  readonly #group: Buffer;
  readonly #streams = new Map<KeyName, Stream>();
  #readings: readonly Reading[] = [];
  #groups: readonly SlotGroup[] = [];
  #hasStarted = false;
  #surveys: Promise<void> = Promise.resolve();

  constructor(options: StreamSetOptions) {
    this.#options = options;
    this.#group = Buffer.from(options.group);
    for (const key of options.named) this.add(key);
  }

  /** A stream was found; the next survey looks at it. */
  add(key: KeyName): void {
    if (this.#streams.has(key)) return;
    this.#streams.set(key, { key, name: keyBytes(key), state: 'missing', reading: undefined, wasRead: false });
  }

  /** What is there to be read. */
  get readings(): readonly Reading[] {
    return this.#readings;
  }

  /** The same, by what one command may read. */
  get groups(): readonly SlotGroup[] {
    return this.#groups;
  }

  /** Entries that no group has read yet; undefined until known for each stream. */
  get lag(): number | undefined {
    if (!this.#hasStarted || this.#readings.some(({ lag }) => lag === undefined)) return undefined;
    return this.#readings.reduce((sum, { lag = 0 }) => sum + lag, 0);
  }

  get pending(): number | undefined {
    return this.#hasStarted ? this.#readings.reduce((sum, { pending }) => sum + pending, 0) : undefined;
  }

  count(state: Stream['state']): number {
    return [...this.#streams.values()].filter((stream) => stream.state === state).length;
  }

  /** The streams that cannot be read first, then those with the longest way to go. */
  rows(most: number): readonly StreamRow[] {
    const lagOf = ({ state, reading }: Stream): number => (state === 'reading' ? (reading?.lag ?? 0) : Infinity);
    return [...this.#streams.values()]
      .sort((a, b) => (lagOf(a) === lagOf(b) ? 0 : lagOf(b) - lagOf(a)))
      .slice(0, most)
      .map(({ name, state, reading }) => ({
        key: name.toString('utf8'),
        state,
        lag: reading?.lag,
        pending: reading?.pending,
      }));
  }

  /**
   * Looks at every stream: makes the groups that lack, and learns how far behind they are. A stream whose master is away
   * stays as it is, and does not keep the others from being looked at.
   * @throws KF_REDIS_UNAVAILABLE, KF_REDIS_PERMISSION
   */
  survey(): Promise<void> {
    // One after the other: two at once would make a group twice.
    const survey = this.#surveys.then(() => this.#survey());
    this.#surveys = survey.catch(() => undefined);
    return survey;
  }

  async #survey(): Promise<void> {
    const streams = [...this.#streams.values()];
    let away: KeyferryError | undefined;
    for (let at = 0; at < streams.length; at += KEYS_AT_ONCE) {
      away = (await this.#look(streams.slice(at, at + KEYS_AT_ONCE))) ?? away;
      this.#readings = [...this.#streams.values()].flatMap(({ reading }) => reading ?? []);
      this.#groups = slotGroups(this.#readings, this.#options.isCluster);
    }
    if (away !== undefined) throw away;
    this.#hasStarted = true;
  }

  /** @returns why some could not be looked at. */
  async #look(streams: readonly Stream[]): Promise<KeyferryError | undefined> {
    const { redis } = this.#options;
    const names = streams.map(({ name }) => name);
    const infos = await inspectStreams(redis, this.#group, names);
    const vague: { readonly reading: Reading; readonly name: Buffer; readonly lastDelivered: string }[] = [];
    let away: KeyferryError | undefined;
    for (const [at, stream] of streams.entries()) {
      const info: StreamInfo | KeyferryError = infos[at] ?? { state: 'missing' };
      if (info instanceof Error) away = info;
      else if (info.state === 'with-group') {
        const { pending, lastDelivered, lag } = info.group;
        const reading = this.#read(stream);
        reading.pending = pending;
        reading.lag = lag;
        // A replica that took over tells of a lag where there is none.
        if (lag !== 0) vague.push({ reading, name: stream.name, lastDelivered });
      } else if (info.state === 'without-group') away = (await this.#makeGroup(stream)) ?? away;
      else this.#lose(stream, info.state);
    }
    const bounds = vague.length === 0 ? [] : await boundLags(redis, vague);
    for (const [at, { reading }] of vague.entries()) reading.lag = bounds[at] === 0 ? 0 : (reading.lag ?? bounds[at]);
    return away;
  }

  #read(stream: Stream): Reading {
    if (stream.state !== 'reading') {
      this.#options.logger.info({ stream: stream.name.toString('utf8') }, 'the stream is being read');
    }
    stream.state = 'reading';
    stream.wasRead = true;
    stream.reading ??= new Reading(stream.key, this.#options.topicOf(stream.key));
    return stream.reading;
  }

  /**
   * A stream that appeared while the source runs is read from its beginning, whatever `from` says: what it holds was added
   * since. So is one whose group had gone: entries come again rather than go missing.
   * @returns why it could not be made.
   */
  async #makeGroup(stream: Stream): Promise<KeyferryError | undefined> {
    const { redis, group, from, logger, onGroupRemade } = this.#options;
    const start = from === 'end' && !this.#hasStarted ? '$' : '0';
    const [reply = null] = await redis.pipeline([['XGROUP', 'CREATE', stream.name, group, start]]);
    if (reply instanceof Error && !existsAlready(reply)) {
      // The stream went in between: the next survey sees what is there.
      if (isKeyferryError(reply, 'KF_REDIS_REFUSED')) return undefined;
      if (isTransient(reply)) return reply;
      throw reply;
    }
    if (stream.wasRead) {
      const name = stream.name.toString('utf8');
      logger.warn(
        { stream: name, group },
        'the consumer group had gone and was made again: what the stream holds comes again',
      );
      onGroupRemade();
    }
    this.#end(stream);
    this.#read(stream);
    return undefined;
  }

  #lose(stream: Stream, state: 'missing' | 'wrong-type'): void {
    const { logger, named } = this.#options;
    if (stream.state !== state || stream.reading !== undefined) {
      const fields = { stream: stream.name.toString('utf8'), state };
      if (state === 'missing') logger.info(fields, 'the stream is gone; it will be read when it is back');
      else logger.warn(fields, 'the key holds no stream; it will be read when it does');
    }
    this.#end(stream);
    stream.state = state;
    // One that a glob found is found again.
    if (state === 'missing' && !named.includes(stream.key)) this.#streams.delete(stream.key);
  }

  #end(stream: Stream): void {
    if (stream.reading !== undefined) stream.reading.hasEnded = true;
    stream.reading = undefined;
  }
}

const existsAlready = (reply: RedisReply | Error): boolean =>
  reply instanceof Error && reply.message.includes('BUSYGROUP');
