import type { RedisCommand } from '../../clients/redis/port.ts';
import { KEY, type Need, ORIGIN, OWN_KEYS, SCRIPT, SOME_SHA1 } from './redis-needs.ts';

const READING: readonly RedisCommand[] = [
  ['EVALSHA_RO', SOME_SHA1, 1, KEY],
  ['EVAL_RO', '', 1, KEY],
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
];

/** What stands in for commands that came with Redis 7. */
export const beforeRedis7 = (need: Need): Need =>
  need.commands === READING ? { ...need, commands: [...SCRIPT, ['TIME'], ['PTTL', KEY], ...READING] } : need;

export interface NeedyKeyspace {
  readonly include: readonly string[];
  readonly notifications: 'manage' | 'require';
}

export const SWITCHING: Need = {
  what: 'switching notifications on',
  commands: [
    ['CONFIG', 'GET', 'notify-keyspace-events'],
    ['CONFIG', 'SET', 'keyferry-check', ''],
  ],
  keys: [],
};

/** Subscriptions are tried, as a transaction cannot hold them. */
export const keyspaceNeeds = ({ include, notifications }: NeedyKeyspace): readonly Need[] => [
  ORIGIN,
  { what: 'reading keys', commands: READING, keys: include },
  // These stand for a transaction, cannot be queued in one, and do nothing alone.
  { what: 'reading large keys', commands: [['WATCH', KEY], ['UNWATCH'], ['EXEC']], keys: include, ask: 'run' },
  { what: 'finding all keys', commands: [['SCAN', 0], ['DBSIZE']], keys: [] },
  { what: 'noticing a replaced dataset', commands: [['INFO']], keys: [] },
  { what: 'the canary', commands: [['SET', KEY, '', 'GET']], keys: OWN_KEYS },
  ...(notifications === 'manage' ? [SWITCHING] : []),
];
