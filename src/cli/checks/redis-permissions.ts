import type { RedisCommand, RedisConnection } from '../../clients/redis/port.ts';
import { RESERVED_PREFIX } from '../../core/key-name.ts';

const KEY = `${RESERVED_PREFIX}check`;
const SOME_SHA1 = '0'.repeat(40);

/**
 * What the daemon sends, by what it is for: the one list for an ACL. Commands that a server does not know are taken for
 * those of a newer version or a module.
 */
export const COMMANDS = {
  'a connection': [
    ['CLIENT', 'ID'],
    ['CLIENT', 'KILL', 'ID', 0],
  ],
  'the id of this Redis': [
    ['EVALSHA', SOME_SHA1, 0],
    ['EVAL', '', 0],
    ['SELECT', 0],
    ['SET', KEY, ''],
    ['GET', KEY],
  ],
  'reading keys': [
    ['EVALSHA_RO', SOME_SHA1, 0],
    ['EVAL_RO', '', 0],
    ['TYPE', KEY],
    ['EXISTS', KEY],
    ['PEXPIRETIME', KEY],
    ['MEMORY', 'USAGE', KEY],
    ['OBJECT', 'ENCODING', KEY],
    ['GET', KEY],
    ['GETRANGE', KEY, 0, 0],
    ['STRLEN', KEY],
    ['HLEN', KEY],
    ['HGETALL', KEY],
    ['HSCAN', KEY, 0],
    ['LLEN', KEY],
    ['LRANGE', KEY, 0, 0],
    ['SCARD', KEY],
    ['SMEMBERS', KEY],
    ['SSCAN', KEY, 0],
    ['ZCARD', KEY],
    ['ZRANGE', KEY, 0, 0],
    ['XLEN', KEY],
    ['XRANGE', KEY, '-', '+'],
    ['XREVRANGE', KEY, '+', '-'],
    ['XINFO', 'STREAM', KEY],
    ['XINFO', 'GROUPS', KEY],
    ['HPEXPIRETIME', KEY, 'FIELDS', 1, ''],
    ['JSON.GET', KEY],
    ['DUMP', KEY],
  ],
  'reading large keys': [['WATCH', KEY], ['UNWATCH'], ['EXEC']],
  'finding all keys': [['SCAN', 0], ['DBSIZE']],
  'noticing a replaced dataset': [['INFO']],
  'writing keys': [
    ['EVALSHA', SOME_SHA1, 0],
    ['EVAL', '', 0],
    ['UNLINK', KEY],
    ['DEL', KEY],
    ['SET', KEY, ''],
    ['SETRANGE', KEY, 0, ''],
    ['PEXPIREAT', KEY, 0],
    ['TIME'],
    ['RESTORE', KEY, 0, ''],
    ['HSET', KEY, '', ''],
    ['HPEXPIREAT', KEY, 0, 'FIELDS', 1, ''],
    ['RPUSH', KEY, ''],
    ['SADD', KEY, ''],
    ['ZADD', KEY, 0, ''],
    ['XADD', KEY, '*', '', ''],
    ['XSETID', KEY, 0],
    ['XGROUP', 'CREATE', KEY, '', 0],
    ['XGROUP', 'DESTROY', KEY, ''],
    ['JSON.SET', KEY, '$', ''],
  ],
  'switching notifications on': [
    ['CONFIG', 'GET', 'notify-keyspace-events'],
    ['CONFIG', 'SET', 'keyferry-check', ''],
  ],
} as const satisfies Record<string, readonly RedisCommand[]>;

export type Feature = keyof typeof COMMANDS;

/** A command that may not be run. */
export interface Denial {
  /** As ACL SETUSER takes it: `xinfo|stream`. */
  readonly command: string;
  /** The command is allowed, but not on our keys. */
  readonly onKeys: boolean;
}

const CONTAINERS = new Set(['CLIENT', 'CONFIG', 'MEMORY', 'OBJECT', 'XGROUP', 'XINFO']);

const aclName = ([name, first]: RedisCommand): string =>
  (CONTAINERS.has(name) ? `${name}|${String(first)}` : name).toLowerCase();

/** These stand for a transaction and cannot be queued in one; sent alone they do nothing. */
const RUN_FOR_REAL: ReadonlySet<Feature> = new Set<Feature>(['reading large keys']);

/**
 * Asks what the user may not run, without doing anything: a transaction is queued, for which Redis looks at every
 * permission, and then discarded. ACL DRYRUN would tell it too, but the users in question rarely may run that.
 * @throws KF_REDIS_PERMISSION where not even MULTI and DISCARD are allowed, so that nothing can be told.
 */
export const denials = async (connection: RedisConnection, feature: Feature): Promise<readonly Denial[]> => {
  const commands: readonly RedisCommand[] = COMMANDS[feature];
  const ask = RUN_FOR_REAL.has(feature) ? connection.pipeline(commands) : queued(connection, commands);
  return (await ask).flatMap((reply, at) => {
    const command = commands[at];
    // A denied EXEC is an EXECABORT that says why.
    if (command === undefined || !(reply instanceof Error) || !reply.message.includes('NOPERM')) return [];
    return [{ command: aclName(command), onKeys: !reply.message.includes(' to run ') }];
  });
};

const queued = async (connection: RedisConnection, commands: readonly RedisCommand[]) => {
  // In two writes: without MULTI, what follows in the same write would be run.
  for (const reply of await connection.pipeline([['MULTI'], ['DISCARD']])) if (reply instanceof Error) throw reply;
  return (await connection.pipeline([['MULTI'], ...commands, ['DISCARD']])).slice(1, -1);
};
