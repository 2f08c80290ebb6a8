import type { RedisCommand, RedisConnection } from '../../clients/redis/port.ts';
import { isKeyferryError, messageOf } from '../../core/errors.ts';
import { RESERVED_PREFIX } from '../../core/key-name.ts';

const KEY = `${RESERVED_PREFIX}check`;
const SOME_SHA1 = '0'.repeat(40);

/** What the daemon sends, by what it is for; kept beside nothing else, so that this is the list for an ACL. */
export const COMMANDS = {
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
    ['LLEN', KEY],
    ['LRANGE', KEY, 0, 0],
    ['SCARD', KEY],
    ['SMEMBERS', KEY],
    ['ZCARD', KEY],
    ['ZRANGE', KEY, 0, 0],
    ['XLEN', KEY],
    ['XRANGE', KEY, '-', '+'],
    ['XINFO', 'STREAM', KEY],
    ['XINFO', 'GROUPS', KEY],
    ['DUMP', KEY],
  ],
  'finding all keys': [['SCAN', 0], ['DBSIZE']],
  'noticing a replaced dataset': [['INFO']],
  'the canary and the id of this Redis': [
    ['SET', KEY, ''],
    ['GET', KEY],
  ],
  'switching notifications on': [
    ['CONFIG', 'GET', 'notify-keyspace-events'],
    ['CONFIG', 'SET', 'keyferry-check', ''],
  ],
} as const satisfies Record<string, readonly RedisCommand[]>;

/** A command that may not be run, and why. */
export interface Denial {
  /** As ACL SETUSER takes it: `xinfo|stream`. */
  readonly command: string;
  /** The words of the server. */
  readonly reason: string;
  /** The command is allowed, but not on our keys. */
  readonly onKeys: boolean;
}

const CONTAINERS = new Set(['CONFIG', 'XINFO', 'MEMORY', 'OBJECT']);

const aclName = ([name, first]: RedisCommand): string =>
  (CONTAINERS.has(name) ? `${name}|${String(first)}` : name).toLowerCase();

/**
 * Asks whether the user may run the commands, without running any: a transaction is queued, for which Redis looks at
 * every permission, and then discarded. ACL DRYRUN would do it too, but the users in question rarely may run that.
 * @throws KF_REDIS_PERMISSION where not even MULTI and DISCARD are allowed, so that nothing can be told.
 */
export const denials = async (
  connection: RedisConnection,
  commands: readonly RedisCommand[],
): Promise<readonly Denial[]> => {
  // In two writes: without MULTI, what follows in the same write would be run.
  for (const reply of await connection.pipeline([['MULTI'], ['DISCARD']])) if (reply instanceof Error) throw reply;
  const replies = (await connection.pipeline([['MULTI'], ...commands, ['DISCARD']])).slice(1, -1);
  return replies.flatMap((reply, at) => {
    const command = commands[at];
    if (command === undefined || !isKeyferryError(reply, 'KF_REDIS_PERMISSION')) return [];
    const reason = messageOf(reply);
    return [{ command: aclName(command), reason, onKeys: !reason.includes(' to run ') }];
  });
};
