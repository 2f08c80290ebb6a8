import { type Clock, systemClock } from '../core/clock.ts';
import { type BytesReply, type Strings, type TextReply, type Written, readAnswer } from './rest-answer.ts';
import { RestClient, type SendOptions } from './rest-client.ts';
import { type Argument, type Command, type RestRequest, commandRequest, manyRequest } from './rest-request.ts';

const TIMEOUT_MS = 15_000;

export interface ProducerOptions {
  /** Where the daemon's HTTP server listens: `http://127.0.0.1:8080`. */
  readonly url: string;
  /** The daemon's `http.token`, where it has one. */
  readonly token?: string | undefined;
  /** Whether writes wait until Kafka holds them, where a call does not say; `none` by default. */
  readonly ack?: 'kafka' | 'none' | undefined;
  /** How long a call may take, attempts together, where it does not say; 15 s by default. */
  readonly timeoutMs?: number | undefined;
}

export interface CallOptions {
  /** `kafka`: resolves when Kafka holds the state of each written key, with the places of the records. */
  readonly ack?: 'kafka' | 'none' | undefined;
  readonly timeoutMs?: number | undefined;
  /** Ends the call; it rejects with the signal's reason. What was sent may be done all the same. */
  readonly signal?: AbortSignal | undefined;
  /** It may be done twice: sent again also where an answer was lost. Reads are, writes are not unless you say so. */
  readonly idempotent?: boolean | undefined;
}

export interface SetOptions extends CallOptions {
  /** The key expires after so long. */
  readonly expireMs?: number | undefined;
  /** Only where the key exists (`xx`), or does not (`nx`); the result is null where it was not set. */
  readonly only?: 'nx' | 'xx' | undefined;
}

/**
 * Writes to Redis through Keyferry, and learns when Kafka has the change. Each method rejects with a ProducerError, whose
 * `applied` says whether the write is done; waiting for Kafka in vain gives an UnconfirmedError.
 *
 * A call is sent again by itself only where it is known that nothing was done, or where it may be done twice.
 */
export class Producer {
  readonly #client: RestClient;
  readonly #defaults: Pick<SendOptions, 'ack' | 'timeoutMs'>;

  constructor({ url, token, ack = 'none', timeoutMs = TIMEOUT_MS }: ProducerOptions, clock: Clock = systemClock) {
    this.#client = new RestClient({ url, token, clock });
    this.#defaults = { ack, timeoutMs };
  }

  /** Any command that Keyferry serves. Bytes that are not UTF-8 come as U+FFFD: `commandBytes` gives them as they are. */
  command(command: Command, options: CallOptions = {}): Promise<Written<TextReply>> {
    return this.#send(commandRequest(command), 'text', options) as Promise<Written<TextReply>>;
  }

  /** As `command`; strings of the reply are bytes. */
  commandBytes(command: Command, options: CallOptions = {}): Promise<Written<BytesReply>> {
    return this.#send(commandRequest(command), 'bytes', options) as Promise<Written<BytesReply>>;
  }

  /** Many commands at once, not atomic: one result each, a CommandError in the place of one that failed. */
  pipeline(commands: readonly Command[], options: CallOptions = {}): Promise<Written<readonly TextReply[]>> {
    return this.#many('pipeline', commands, options);
  }

  /** MULTI ... EXEC: all of the commands, with nothing of others in between, or none. */
  transaction(commands: readonly Command[], options: CallOptions = {}): Promise<Written<readonly TextReply[]>> {
    return this.#many('multi-exec', commands, options);
  }

  /** undefined where there is no such key. */
  async get(key: Argument, options: CallOptions = {}): Promise<string | undefined> {
    const { result } = await this.command(['GET', key], { ...READ, ...options });
    return typeof result === 'string' ? result : undefined;
  }

  /** As `get`, in bytes. */
  async getBytes(key: Argument, options: CallOptions = {}): Promise<Buffer | undefined> {
    const { result } = await this.commandBytes(['GET', key], { ...READ, ...options });
    return Buffer.isBuffer(result) ? result : undefined;
  }

  set(key: Argument, value: Argument, { expireMs, only, ...options }: SetOptions = {}): Promise<Written<'OK' | null>> {
    const expiry = expireMs === undefined ? [] : ['PX', expireMs];
    const condition = only === undefined ? [] : [only.toUpperCase()];
    return this.command(['SET', key, value, ...expiry, ...condition], options) as Promise<Written<'OK' | null>>;
  }

  /** The result is how many of the keys there were. */
  del(keys: Argument | readonly Argument[], options?: CallOptions): Promise<Written<number>> {
    return this.#count(['DEL', ...listOf(keys)], options);
  }

  /** Whether the key exists, and so expires now. */
  async expire(key: Argument, expireMs: number, options?: CallOptions): Promise<Written<boolean>> {
    const written = await this.#count(['PEXPIRE', key, expireMs], options);
    return { ...written, result: written.result === 1 };
  }

  /** The result is the number after it. */
  incrBy(key: Argument, by: number, options?: CallOptions): Promise<Written<number>> {
    return this.#count(['INCRBY', key, by], options);
  }

  /** The result is how many fields are new. */
  hset(key: Argument, fields: Readonly<Record<string, Argument>>, options?: CallOptions): Promise<Written<number>> {
    return this.#count(['HSET', key, ...Object.entries(fields).flat()], options);
  }

  /** The result is how many of the fields there were. */
  hdel(key: Argument, fields: Argument | readonly Argument[], options?: CallOptions): Promise<Written<number>> {
    return this.#count(['HDEL', key, ...listOf(fields)], options);
  }

  /** Empty where there is no such key. */
  async hgetall(key: Argument, options: CallOptions = {}): Promise<Readonly<Record<string, string>>> {
    const { result } = await this.command(['HGETALL', key], { ...READ, ...options });
    const flat = Array.isArray(result) ? result.map(String) : [];
    return Object.fromEntries(
      flat.flatMap((field, at) => (at % 2 === 0 ? [[field, flat[at + 1] ?? ''] as const] : [])),
    );
  }

  /** Adds to the left; the result is the length of the list. */
  lpush(key: Argument, items: Argument | readonly Argument[], options?: CallOptions): Promise<Written<number>> {
    return this.#count(['LPUSH', key, ...listOf(items)], options);
  }

  /** Adds to the right; the result is the length of the list. */
  rpush(key: Argument, items: Argument | readonly Argument[], options?: CallOptions): Promise<Written<number>> {
    return this.#count(['RPUSH', key, ...listOf(items)], options);
  }

  /** The result is how many members are new. */
  sadd(key: Argument, members: Argument | readonly Argument[], options?: CallOptions): Promise<Written<number>> {
    return this.#count(['SADD', key, ...listOf(members)], options);
  }

  /** Scores by member; the result is how many members are new. */
  zadd(key: Argument, scores: Readonly<Record<string, number>>, options?: CallOptions): Promise<Written<number>> {
    return this.#count(['ZADD', key, ...Object.entries(scores).flatMap(([member, score]) => [score, member])], options);
  }

  /** Adds an entry to a stream; the result is its ID. */
  xadd(key: Argument, fields: Readonly<Record<string, Argument>>, options?: CallOptions): Promise<Written<string>> {
    const command: Command = ['XADD', key, '*', ...Object.entries(fields).flat()];
    return this.command(command, options) as Promise<Written<string>>;
  }

  #count(command: Command, options?: CallOptions): Promise<Written<number>> {
    return this.command(command, options) as Promise<Written<number>>;
  }

  #many(
    kind: 'pipeline' | 'multi-exec',
    commands: readonly Command[],
    options: CallOptions,
  ): Promise<Written<readonly TextReply[]>> {
    return this.#send(manyRequest(kind, commands), 'text', options) as Promise<Written<readonly TextReply[]>>;
  }

  #send(request: RestRequest, strings: Strings, options: CallOptions): Promise<Written<unknown>> {
    const { ack = this.#defaults.ack, timeoutMs = this.#defaults.timeoutMs, signal, idempotent = false } = options;
    return this.#client.send(request, { ack, timeoutMs, signal, idempotent, strings }, (answer) =>
      readAnswer(answer, strings),
    );
  }
}

/**
 * A producer on a running daemon. It holds nothing that must be closed.
 *
 * ```js
 * const producer = createProducer({ url: 'http://127.0.0.1:8080', ack: 'kafka' });
 * const { records } = await producer.hset('user:42', { name: 'Ada' });
 * ```
 */
export const createProducer = (options: ProducerOptions): Producer => new Producer(options);

const READ = { ack: 'none', idempotent: true } as const;

const listOf = (one: Argument | readonly Argument[]): readonly Argument[] =>
  typeof one === 'object' && !(one instanceof Uint8Array) ? one : [one];
