import type { RedisArgument, RedisCommand } from '../port.ts';

/** Commands without keys, or whose first argument is none although it looks like one. */
const KEYLESS = new Set(
  (
    'ACL ASKING AUTH BGREWRITEAOF BGSAVE CLIENT CLUSTER COMMAND CONFIG DBSIZE DISCARD ECHO EXEC FAILOVER FLUSHALL FLUSHDB ' +
    'FUNCTION HELLO INFO KEYS LASTSAVE LATENCY LOLWUT MODULE MONITOR MULTI PING PSUBSCRIBE PUBLISH PUBSUB QUIT ' +
    'RANDOMKEY READONLY READWRITE REPLICAOF RESET ROLE SAVE SCAN SCRIPT SELECT SHUTDOWN SLAVEOF SLOWLOG SUBSCRIBE ' +
    'SWAPDB TIME UNWATCH WAIT WAITAOF'
  ).split(' '),
);

/** Where the first key stands among the arguments of commands that do not begin with it. */
const FIRST_KEY: Readonly<Record<string, number>> = {
  BITOP: 1,
  MEMORY: 1,
  OBJECT: 1,
  XGROUP: 1,
  XINFO: 1,
  // Behind the count of what follows.
  BLMPOP: 2,
  BZMPOP: 2,
  LMPOP: 1,
  SINTERCARD: 1,
  ZDIFF: 1,
  ZINTER: 1,
  ZINTERCARD: 1,
  ZMPOP: 1,
  ZUNION: 1,
  MIGRATE: 2,
};
/** Behind the script comes the count of keys, and there may be none. */
const SCRIPTS = new Set(['EVAL', 'EVAL_RO', 'EVALSHA', 'EVALSHA_RO', 'FCALL', 'FCALL_RO']);
/** Their keys follow the word STREAMS. */
const STREAMS = new Set(['XREAD', 'XREADGROUP']);

/**
 * The first key of a command; undefined where it has none. For a command that is not known here, the first argument is
 * taken for one, as it is in most: a wrong guess costs a redirection, since every node knows better.
 */
export const firstKey = ([name, ...args]: RedisCommand): Buffer | undefined => {
  const command = name.toUpperCase();
  if (KEYLESS.has(command)) return undefined;
  if (SCRIPTS.has(command)) return Number(args[1]) > 0 ? bytes(args[2]) : undefined;
  if (STREAMS.has(command)) {
    const at = args.findIndex((arg) => typeof arg !== 'number' && String(arg).toUpperCase() === 'STREAMS');
    return at < 0 ? undefined : bytes(args[at + 1]);
  }
  return bytes(args[FIRST_KEY[command] ?? 0]);
};

const bytes = (arg: RedisArgument | undefined): Buffer | undefined =>
  arg === undefined || Buffer.isBuffer(arg) ? arg : Buffer.from(String(arg));
