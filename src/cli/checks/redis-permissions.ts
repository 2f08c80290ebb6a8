import type { RedisCommand, RedisConnection } from '../../clients/redis/port.ts';
import { sampleKey } from './key-globs.ts';
import { KEY, type Need } from './redis-needs.ts';

/** What a user may not do. */
export interface Denials {
  /** As ACL SETUSER takes them: `xinfo|stream`. */
  readonly commands: readonly string[];
  /** Globs of keys on which the commands are denied. */
  readonly keys: readonly string[];
}

const CONTAINERS = new Set(['CLIENT', 'CLUSTER', 'COMMAND', 'CONFIG', 'MEMORY', 'OBJECT', 'XGROUP', 'XINFO']);

const aclName = ([name, first]: RedisCommand): string =>
  (CONTAINERS.has(name) && first !== undefined ? `${name}|${String(first)}` : name).toLowerCase();

/**
 * Asks what the user may not do, without doing anything: a transaction is queued, for which Redis looks at every
 * permission, and then discarded. ACL DRYRUN would tell it too, but the users in question rarely may run that.
 * @throws KF_REDIS_PERMISSION where not even MULTI and DISCARD are allowed, so that nothing can be told.
 */
export const denials = async (connection: RedisConnection, { commands, keys, ask }: Need): Promise<Denials> => {
  const globs = keys.length === 0 ? [''] : keys;
  const asked = globs.flatMap((glob) =>
    commands.map((command) => ({ glob, command, sent: withKey(command, sampleKey(glob)) })),
  );
  const all = asked.map(({ sent }) => sent);
  const replies = await (ask === 'run' ? connection.pipeline(all) : queued(connection, all));
  const denied = asked.flatMap(({ glob, command }, at) => {
    const reply = replies[at];
    // A denied EXEC is an EXECABORT that says why.
    if (!(reply instanceof Error) || !reply.message.includes('NOPERM')) return [];
    return [{ glob, command: aclName(command), onKeys: !reply.message.includes(' to run ') }];
  });
  return {
    commands: [...new Set(denied.filter(({ onKeys }) => !onKeys).map(({ command }) => command))],
    keys: [...new Set(denied.filter(({ onKeys }) => onKeys).map(({ glob }) => glob))],
  };
};

const withKey = ([name, ...args]: RedisCommand, key: string): RedisCommand => [
  name,
  ...args.map((arg) => (arg === KEY ? key : arg)),
];

const queued = async (connection: RedisConnection, commands: readonly RedisCommand[]) => {
  // In two writes: without MULTI, what follows in the same write would be run.
  for (const reply of await connection.pipeline([['MULTI'], ['DISCARD']])) if (reply instanceof Error) throw reply;
  return (await connection.pipeline([['MULTI'], ...commands, ['DISCARD']])).slice(1, -1);
};
