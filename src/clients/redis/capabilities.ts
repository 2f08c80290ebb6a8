import { isKeyferryError } from '../../core/errors.ts';
import { infoField } from './info.ts';
import type { RedisConnection, RedisReply } from './port.ts';

/** What a server can do, beyond what all from Redis 6.2 on can. */
export interface RedisCapabilities {
  /** `redis`, `valkey`, or whoever else speaks the protocol: `dragonfly`, `kvrocks`, `garnet`. */
  readonly server: string;
  /** Of that server, as it says it: `7.0.15`; empty where the user may not ask. */
  readonly version: string;
  /** EVALSHA_RO, Redis 7.0. Without it a read-only script runs as any other, and needs its permission. */
  readonly readOnlyScripts: boolean;
  /** PEXPIRETIME, Redis 7.0. Without it an expiry is PTTL added to TIME. */
  readonly expireTime: boolean;
  /** Fields of hashes may expire (HPEXPIRETIME): Redis 7.4, Valkey 9. */
  readonly fieldExpiry: boolean;
  /** CLIENT NO-TOUCH, Redis 7.2. Without it our reads make keys look used to LRU and LFU. */
  readonly noTouch: boolean;
  /** CLIENT TRACKING, Redis 6. Without it nobody tells of FLUSHALL. */
  readonly tracking: boolean;
}

const COMMANDS = {
  readOnlyScripts: 'EVALSHA_RO',
  expireTime: 'PEXPIRETIME',
  fieldExpiry: 'HPEXPIRETIME',
  noTouch: 'CLIENT|NO-TOUCH',
  tracking: 'CLIENT|TRACKING',
} as const;

type Command = keyof typeof COMMANDS;
const NAMES = Object.keys(COMMANDS) as Command[];

const CONSEQUENCES: Readonly<Record<Command, string>> = {
  readOnlyScripts: 'a user who reads keys needs EVAL and EVALSHA',
  expireTime: 'expiries are reckoned from the time that is left',
  fieldExpiry: 'fields of hashes do not expire, and a sink cannot write those that do',
  noTouch: 'reads make keys look used to LRU and LFU',
  tracking: 'FLUSHALL is noticed by the next reconcile only',
};

/** What a server lacks, each with what follows: `PEXPIRETIME: expiries are reckoned from ...` */
export const lacksOf = (capabilities: RedisCapabilities): readonly string[] =>
  NAMES.filter((name) => !capabilities[name]).map(
    (name) => `${COMMANDS[name].replace('|', ' ')}: ${CONSEQUENCES[name]}`,
  );

/** @throws KF_REDIS_UNAVAILABLE. What the user may not ask is concluded from the rest. */
export const readCapabilities = async (connection: RedisConnection): Promise<RedisCapabilities> => {
  const [info = null, commands = null] = await connection.pipeline([
    ['INFO', 'server'],
    ['COMMAND', 'INFO', ...Object.values(COMMANDS)],
  ]);
  for (const reply of [info, commands]) if (isKeyferryError(reply, 'KF_REDIS_UNAVAILABLE')) throw reply;
  return capabilitiesOf(
    info instanceof Error ? '' : String(info),
    commands instanceof Error ? undefined : (commands as readonly RedisReply[]),
  );
};

/**
 * @param info INFO server; empty where it is not known.
 * @param commands COMMAND INFO's answer for each of COMMANDS, null for one that there is not; undefined: not known.
 */
export const capabilitiesOf = (info: string, commands: readonly RedisReply[] | undefined): RedisCapabilities => {
  const field = (name: string): string | undefined => infoField(info, name);
  const another = /^(?!redis_|gcc_|lru_)(\w+)_version:(.*?)\r?$/m.exec(info);
  const server = another?.[1] ?? field('server_name') ?? 'redis';
  const version = another?.[2] ?? field('redis_version') ?? '';
  const byVersion = sinceVersions(server, field('redis_version') ?? version);
  // Before Redis 7 COMMAND INFO knew no subcommands.
  const knowsSubcommands = byVersion.readOnlyScripts;
  const has = (command: Command): boolean => {
    const told = commands?.[NAMES.indexOf(command)];
    if (told === undefined || (COMMANDS[command].includes('|') && !knowsSubcommands)) return byVersion[command];
    return told !== null;
  };
  return {
    server,
    version,
    readOnlyScripts: has('readOnlyScripts'),
    expireTime: has('expireTime'),
    fieldExpiry: has('fieldExpiry'),
    noTouch: has('noTouch'),
    tracking: has('tracking'),
  };
};

/** @param compatible the version of Redis that the server says it is, or is like; empty, not known, is taken for new. */
const sinceVersions = (server: string, compatible: string): Readonly<Record<Command, boolean>> => {
  const [major = NaN, minor = NaN] = compatible.split('.').map(Number);
  const isSince = (wantedMajor: number, wantedMinor: number): boolean =>
    compatible === '' || major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
  return {
    readOnlyScripts: isSince(7, 0),
    expireTime: isSince(7, 0),
    // Valkey stays compatible to 7.2, and has these commands since its own 9.0: only the list of commands tells.
    fieldExpiry: server === 'redis' && compatible !== '' && isSince(7, 4),
    noTouch: isSince(7, 2),
    tracking: isSince(6, 0),
  };
};
