import type { RestCommand } from './parse-request.ts';
import { type KeySpecs, keysByPlace, parseKeySpecs } from './key-positions.ts';
import { type RestReply, listOf, textOf } from './reply.ts';

/** What is done with a command that the server has. */
export interface CommandRule {
  /** Why it is not served; undefined: it is. */
  readonly refusal: string | undefined;
  /** Whether it may change keys. */
  readonly writes: boolean;
  /** Whether the read-only token may run it. */
  readonly readOnly: boolean;
  readonly keys: KeySpecs;
}

const SHARED = 'it would change the connection, which all requests share';
const BLOCKS = 'it may block the connection, which all requests share';
const ADMINISTERS = 'it administers the server';
const SUBSCRIBES = 'messages cannot be pushed over a request and its answer';
const TRANSACTION = 'a transaction is one request to /redis/multi-exec';

const all = (names: string, reason: string): readonly (readonly [string, string])[] =>
  names.split(' ').map((name) => [name, reason]);

/** Refused by name, where the server's flags do not tell: a command with all that is in it, or one of its subcommands. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ...all('AUTH HELLO RESET QUIT SELECT CLIENT READONLY READWRITE ASKING SCRIPT|DEBUG', SHARED),
  ...all('MULTI EXEC DISCARD WATCH UNWATCH', TRANSACTION),
  ...all('WAIT WAITAOF', BLOCKS),
  ...all('ACL CONFIG MODULE', ADMINISTERS),
  ['MIGRATE', 'it makes the server connect to another one, and blocks meanwhile'],
]);

/** These block only where they are asked to. */
const BLOCKING_BY_OPTION = new Set(['XREAD', 'XREADGROUP']);
const SAYS_ONLY = new Set(['PUBLISH', 'SPUBLISH', 'PUBSUB']);

/** They run what they are given: COMMAND calls them neither readers nor writers. */
const SCRIPTS = new Set(['EVAL', 'EVALSHA', 'FCALL']);

/** Change nothing, although the server does not flag them as readers. */
const HARMLESS = new Set([
  ...['PING', 'ECHO', 'TIME', 'INFO', 'COMMAND', 'LASTSAVE', 'ROLE', 'PUBSUB'],
  ...['SCRIPT|EXISTS', 'FUNCTION|LIST', 'FUNCTION|STATS', 'FUNCTION|DUMP'],
]);

/** @param reply one entry of COMMAND. @returns rules by `NAME` and `NAME|SUBCOMMAND`. */
export const rulesOf = (reply: RestReply): readonly (readonly [string, CommandRule])[] => {
  const entry = listOf(reply);
  const name = textOf(entry[0]).toUpperCase();
  const flags = new Set(listOf(entry[2]).map(textOf));
  // Before Redis 7 only its category tells of a command that it blocks.
  if (listOf(entry[6]).map(textOf).includes('@blocking')) flags.add('blocking');
  const rule: CommandRule = {
    refusal: refusalOf(name, flags),
    writes: flags.has('write') || SCRIPTS.has(name),
    readOnly: flags.has('readonly') || isHarmless(name),
    keys: hasKeySpecs(entry) ? parseKeySpecs(entry[8]) : placesIn(entry, flags),
  };
  return [[name, rule], ...listOf(entry[9]).flatMap(rulesOf)];
};

/** Since Redis 7. */
export const hasKeySpecs = (reply: RestReply): boolean => listOf(reply).length > 8;

const placesIn = (entry: readonly RestReply[], flags: ReadonlySet<string>): KeySpecs => {
  if (flags.has('movablekeys')) return undefined;
  const [first = 0, last = 0, step = 0] = entry.slice(3, 6).map((place) => Number(textOf(place)));
  return keysByPlace(first, last, step);
};

const isHarmless = (name: string): boolean =>
  HARMLESS.has(name) || HARMLESS.has(containerOf(name)) || name.endsWith('|HELP');

const containerOf = (name: string): string => name.split('|', 1)[0] ?? name;

const refusalByName = (name: string): string | undefined => REFUSED.get(name) ?? REFUSED.get(containerOf(name));

const refusalOf = (name: string, flags: ReadonlySet<string>): string | undefined => {
  const container = containerOf(name);
  const named = refusalByName(name);
  if (named !== undefined) return named;
  if (flags.has('admin')) return ADMINISTERS;
  if (flags.has('pubsub') && !SAYS_ONLY.has(container)) return SUBSCRIBES;
  return flags.has('blocking') && !BLOCKING_BY_OPTION.has(name) ? BLOCKS : undefined;
};

/** A command with its first argument, as a subcommand is named: before Redis 7 COMMAND tells of containers only as a whole. */
const callName = ({ name, args }: RestCommand): string => `${name}|${String(args[0] ?? '').toUpperCase()}`;

/** Why this very call is not served, whatever the server says of the command; undefined: it is. */
export const refusalOfCall = (command: RestCommand): string | undefined => {
  const blocks = BLOCKING_BY_OPTION.has(command.name) && hasBlock(command.args);
  return blocks ? `${BLOCKS}: leave BLOCK out` : refusalByName(callName(command));
};

/** Whether the read-only token may make this very call, although it may not run everything that the command can do. */
export const isHarmlessCall = (command: RestCommand): boolean => HARMLESS.has(callName(command));

/** Options come before STREAMS; GROUP is followed by two names, which may be any word. */
const hasBlock = (args: readonly (string | Buffer)[]): boolean => {
  for (let at = 0; at < args.length; at += 1) {
    const word = String(args[at]).toUpperCase();
    if (word === 'BLOCK') return true;
    if (word === 'STREAMS') return false;
    if (word === 'GROUP') at += 2;
  }
  return false;
};

/** Writes what no key of its own database tells: nothing could be acknowledged. */
export const writesElsewhere = ({ name, args }: RestCommand): boolean =>
  name === 'MOVE' || (name === 'COPY' && args.slice(2).some((arg) => String(arg).toUpperCase() === 'DB'));
