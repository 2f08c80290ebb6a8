import type { RedisConnection, RedisReply } from '../../clients/redis/port.ts';
import { isKeyferryError } from '../../core/errors.ts';
import { type KeyName, keyBytes } from '../../core/key-name.ts';
import type { Logger } from '../../core/log.ts';
import { Reading } from './reading.ts';
import { type StreamInfo, boundLags, inspectStreams } from './stream-info.ts';

/** Keys of one look: others get their turn in between. */
const KEYS_AT_ONCE = 200;

export interface StreamSetOptions {
  readonly redis: RedisConnection;
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
   * Looks at every stream: makes the groups that lack, and learns how far behind they are.
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
    for (let at = 0; at < streams.length; at += KEYS_AT_ONCE) {
      await this.#look(streams.slice(at, at + KEYS_AT_ONCE));
      this.#readings = [...this.#streams.values()].flatMap(({ reading }) => reading ?? []);
    }
    this.#hasStarted = true;
  }

  async #look(streams: readonly Stream[]): Promise<void> {
    const { redis } = this.#options;
    const names = streams.map(({ name }) => name);
    const infos = await inspectStreams(redis, this.#group, names);
    const vague: { readonly reading: Reading; readonly name: Buffer; readonly lastDelivered: string }[] = [];
    for (const [at, stream] of streams.entries()) {
      const info: StreamInfo = infos[at] ?? { state: 'missing' };
      if (info.state === 'with-group') {
        const { pending, lastDelivered, lag } = info.group;
        const reading = this.#read(stream);
        reading.pending = pending;
        if (lag === undefined) vague.push({ reading, name: stream.name, lastDelivered });
        else reading.lag = lag;
      } else if (info.state === 'without-group') await this.#makeGroup(stream);
      else this.#lose(stream, info.state);
    }
    if (vague.length === 0) return;
    const bounds = await boundLags(redis, vague);
    for (const [at, { reading }] of vague.entries()) reading.lag = bounds[at];
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
   */
  async #makeGroup(stream: Stream): Promise<void> {
    const { redis, group, from, logger, onGroupRemade } = this.#options;
    const start = from === 'end' && !this.#hasStarted ? '$' : '0';
    const [reply = null] = await redis.pipeline([['XGROUP', 'CREATE', stream.name, group, start]]);
    if (reply instanceof Error && !existsAlready(reply)) {
      // The stream went in between: the next survey sees what is there.
      if (isKeyferryError(reply, 'KF_REDIS_REFUSED')) return;
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
