import { createHash } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { KeyferryError, isKeyferryError } from '../../core/errors.ts';
import type { DialOptions, Line } from './dial.ts';
import { toKeyferryError } from './errors.ts';
import type { RedisArgument, RedisCommand, RedisConnection, RedisReply, RedisScript } from './port.ts';
import { send, sendAll } from './send.ts';

const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 2_000;

type Dial = (extra: Pick<DialOptions, 'previousId' | 'signal'>) => Promise<Line>;

/** Dials until closed: a broken line is replaced by a new one, with backoff. */
export class ReconnectingConnection implements RedisConnection {
  readonly #dial: Dial;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  readonly #done: Promise<void>;
  #line: Line | undefined;
  #why = new KeyferryError('KF_REDIS_UNAVAILABLE', 'Redis is not connected yet');
  readonly #waiting = new Set<() => void>();
  /** EVAL_RO came with Redis 7; a server that lacks it says so once. */
  #readOnlyScripts = true;

  constructor(dial: Dial, clock: Clock) {
    this.#dial = dial;
    this.#clock = clock;
    this.#done = this.#keepConnected();
  }

  get isReady(): boolean {
    return this.#line !== undefined;
  }

  call(name: string, ...args: RedisArgument[]): Promise<RedisReply> {
    return this.#send(name, args);
  }

  async pipeline(commands: readonly RedisCommand[]): Promise<readonly (RedisReply | Error)[]> {
    const { redis, address } = this.#current();
    return sendAll(redis, address, commands);
  }

  async script(script: RedisScript, keys: readonly Buffer[], args: readonly RedisArgument[]): Promise<RedisReply> {
    const readOnly = script.readOnly && this.#readOnlyScripts ? '_RO' : '';
    const rest = [keys.length, ...keys, ...args];
    try {
      return await this.#send(`EVALSHA${readOnly}`, [digestOf(script), ...rest]).catch((error: unknown) => {
        if (!refusedWith(error, 'NOSCRIPT')) throw error;
        return this.#send(`EVAL${readOnly}`, [script.lua, ...rest]);
      });
    } catch (error) {
      if (readOnly === '' || !refusedWith(error, 'ERR unknown command')) throw error;
      this.#readOnlyScripts = false;
      return this.script(script, keys, args);
    }
  }

  ready(signal?: AbortSignal): Promise<void> {
    if (this.isReady) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#waiting.delete(settle);
        signal?.removeEventListener('abort', settle);
        if (this.isReady) resolve();
        else reject(this.#why);
      };
      this.#waiting.add(settle);
      signal?.addEventListener('abort', settle);
      if (signal?.aborted === true || this.#closing.signal.aborted) settle();
    });
  }

  async close(): Promise<void> {
    // QUIT is answered after everything that was sent before it.
    await this.#send('QUIT', []).catch(() => undefined);
    this.#closing.abort();
    await this.#done;
  }

  async #send(name: string, args: readonly RedisArgument[]): Promise<RedisReply> {
    const { redis, address } = this.#current();
    return send(redis, address, name, args);
  }

  #current(): Line {
    if (this.#line === undefined) throw this.#why;
    return this.#line;
  }

  async #keepConnected(): Promise<void> {
    const { signal } = this.#closing;
    let previousId: number | undefined;
    let retryMs = FIRST_RETRY_MS;
    while (!signal.aborted) {
      try {
        const line = await this.#dial({ previousId, signal });
        previousId = line.id;
        retryMs = FIRST_RETRY_MS;
        await this.#use(line);
      } catch (error) {
        this.#why = toKeyferryError('the connection', error, 'the given address');
        this.#settleWaiting();
      }
      await this.#clock.sleep(retryMs, signal);
      retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
    }
    this.#why = new KeyferryError('KF_REDIS_UNAVAILABLE', 'The connection was closed by us');
    this.#settleWaiting();
  }

  /** Resolves when the line has ended. */
  async #use(line: Line): Promise<void> {
    const hangUp = (): void => {
      line.redis.disconnect();
    };
    this.#closing.signal.addEventListener('abort', hangUp);
    this.#line = line;
    this.#settleWaiting();
    const reason = await line.ended;
    this.#line = undefined;
    this.#why = new KeyferryError('KF_REDIS_UNAVAILABLE', reason);
    this.#closing.signal.removeEventListener('abort', hangUp);
  }

  /** An attempt to connect came to its end, good or bad. */
  #settleWaiting(): void {
    for (const settle of [...this.#waiting]) settle();
  }
}

const digests = new WeakMap<RedisScript, string>();
const digestOf = (script: RedisScript): string => {
  const known = digests.get(script);
  if (known !== undefined) return known;
  const digest = createHash('sha1').update(script.lua).digest('hex');
  digests.set(script, digest);
  return digest;
};

const refusedWith = (error: unknown, words: string): boolean =>
  isKeyferryError(error, 'KF_REDIS_REFUSED') && error.message.includes(`: ${words}`);
