import type { RedisConnection } from '../../clients/redis/port.ts';
import type { Clock } from '../../core/clock.ts';
import { type CommandRule, hasKeySpecs, rulesOf } from './command-rules.ts';
import { RestFailure } from './failure.ts';
import type { RestCommand } from './parse-request.ts';
import { asRestReply, listOf } from './reply.ts';

/** For a command that is not known the server is asked again, a module may have come; not more often than this. */
const ASK_AGAIN_MS = 1_000;

/** What the server's own COMMAND says of each command. One that it does not have never reaches it. */
export class CommandCatalog {
  readonly #connection: RedisConnection;
  readonly #clock: Clock;
  #rules: ReadonlyMap<string, CommandRule> = new Map();
  #containers: ReadonlySet<string> = new Set();
  #tellsKeyFlags = true;
  #loading: Promise<void> | undefined;
  #loadedAt = -Infinity;

  constructor(connection: RedisConnection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /**
   * Knows these commands from now on, where the server has them.
   * @throws as RedisConnection.call does.
   */
  async know(commands: readonly RestCommand[]): Promise<void> {
    if (commands.every((command) => this.#find(command) !== undefined)) return;
    if (this.#clock.monotonic() - this.#loadedAt < ASK_AGAIN_MS) return;
    this.#loading ??= this.#load().finally(() => (this.#loading = undefined));
    await this.#loading;
  }

  /** Whether the server tells which keys of a command are written: it has COMMAND GETKEYSANDFLAGS (Redis 7). */
  get tellsKeyFlags(): boolean {
    return this.#tellsKeyFlags;
  }

  /** @throws RestFailure where the server has no such command. */
  rule(command: RestCommand): CommandRule {
    const rule = this.#find(command);
    if (rule !== undefined) return rule;
    const { name, args } = command;
    throw new RestFailure(
      'ERR',
      this.#containers.has(name) && args.length > 0
        ? `unknown subcommand of '${name.toLowerCase()}': try ${name} HELP`
        : `unknown command '${name.toLowerCase()}'`,
    );
  }

  #find({ name, args }: RestCommand): CommandRule | undefined {
    const whole = this.#rules.get(name);
    // What is refused as a whole is so with subcommands that this server does not have.
    if (args.length === 0 || !this.#containers.has(name) || whole?.refusal !== undefined) return whole;
    return this.#rules.get(`${name}|${String(args[0]).toUpperCase()}`);
  }

  async #load(): Promise<void> {
    const entries = listOf(asRestReply(await this.#connection.call('COMMAND')));
    this.#rules = new Map(entries.flatMap(rulesOf));
    this.#containers = new Set(
      [...this.#rules.keys()].filter((name) => name.includes('|')).map((name) => name.slice(0, name.indexOf('|'))),
    );
    this.#tellsKeyFlags = entries.some(hasKeySpecs);
    this.#loadedAt = this.#clock.monotonic();
  }
}
