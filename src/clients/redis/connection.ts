import type { Clock } from '../../core/clock.ts';
import { KeyferryError } from '../../core/errors.ts';
import type { DialOptions, Line } from './dial.ts';
import { toKeyferryError } from './errors.ts';
import type { RedisArgument, RedisCommand, RedisConnection, RedisReply, RedisScript, ScriptKeys } from './port.ts';
import { argsOf, eachOf } from './script-each.ts';
import { ScriptRunner } from './script-runner.ts';
import { send, sendAll } from './send.ts';
import { within } from './within.ts';

const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 2_000;
/** A stop has 25 s for everything, and what closes before this connection may have waited too. */
const QUIT_WITHIN_MS = 3_000;

export interface ReconnectingOptions {
  /** @throws why it cannot be dialled now. */
  readonly dial: (extra: Pick<DialOptions, 'previous' | 'signal'>) => Promise<Line>;
  readonly clock: Clock;
  /** Calls when another attempt is worth while before its time; returns what ends that. */
  readonly onHint?: ((retry: () => void) => () => void) | undefined;
  readonly onClosed?: (() => void) | undefined;
}

/** Dials until closed: a broken line is replaced by a new one, with backoff. */
export class ReconnectingConnection implements RedisConnection {
  readonly #options: ReconnectingOptions;
  readonly #closing = new AbortController();
  readonly #done: Promise<void>;
  readonly #scripts = new ScriptRunner((commands) => this.pipeline(commands));
  #line: Line | undefined;
  #why = new KeyferryError('KF_REDIS_UNAVAILABLE', 'Redis has not answered yet');
  readonly #waiting = new Set<() => void>();

  constructor(options: ReconnectingOptions) {
    this.#options = options;
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
    const [reply = null] = await this.#scripts.run(script, [{ keys, args }]);
    if (reply instanceof Error) throw reply;
    return reply;
  }

  async scriptEach(script: RedisScript, on: ScriptKeys): Promise<readonly (RedisReply | Error)[]> {
    const reply = await this.script(script, on.keys, argsOf(on)).catch((error: unknown) => error as Error);
    return eachOf(reply, on.keys.length);
  }

  serverOf(): string | undefined {
    return this.#line?.address;
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
    // QUIT is answered after everything that was sent before it. A server that hangs answers nothing.
    const quit = this.#send('QUIT', []);
    await within(QUIT_WITHIN_MS, this.#options.clock, quit).catch(() => undefined);
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
    let previous: Line | undefined;
    let retryMs = FIRST_RETRY_MS;
    while (!signal.aborted) {
      try {
        const line = await this.#options.dial({ previous, signal });
        previous = line;
        retryMs = FIRST_RETRY_MS;
        await this.#use(line);
      } catch (error) {
        this.#why = toKeyferryError('the connection', error, 'the given address');
        this.#settleWaiting();
      }
      await this.#pause(retryMs);
      retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
    }
    this.#why = new KeyferryError('KF_REDIS_UNAVAILABLE', 'The connection was closed by us');
    this.#settleWaiting();
    this.#options.onClosed?.();
  }

  async #pause(ms: number): Promise<void> {
    const { clock, onHint } = this.#options;
    const enough = new AbortController();
    const end = onHint?.(() => {
      enough.abort();
    });
    await clock.sleep(ms, AbortSignal.any([this.#closing.signal, enough.signal]));
    end?.();
  }

  /** Resolves when the line has ended. */
  async #use(line: Line): Promise<void> {
    const hangUp = (): void => {
      line.hangUp('the connection was closed by us');
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
