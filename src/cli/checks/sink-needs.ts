import type { RedisCommand } from '../../clients/redis/port.ts';
import { escaped } from './key-globs.ts';
import { KEY, type Need, ORIGIN, OWN_KEYS, SCRIPT } from './redis-needs.ts';

type Written = 'string' | 'hash' | 'list' | 'set' | 'zset' | 'stream' | 'json';

/** A sink, as far as Redis is concerned; structurally one of the configuration. */
export type NeedySink =
  | { readonly format: 'keyferry' }
  | {
      readonly format: 'json' | 'string';
      readonly key: string;
      readonly as: Written;
      /** ms; 0: for good. */
      readonly expire: number;
      readonly maxLength?: number | undefined;
      readonly push: 'left' | 'right';
    };

type PlainSink = Exclude<NeedySink, { format: 'keyferry' }>;

/** Whatever is written. */
const REPLACING: readonly RedisCommand[] = [...SCRIPT, ['SETRANGE', KEY, 0, ''], ['UNLINK', KEY]];
const EXPIRING: readonly RedisCommand[] = [['PEXPIREAT', KEY, 0]];

const WRITING: Readonly<Record<Written, readonly RedisCommand[]>> = {
  string: [['SET', KEY, '']],
  hash: [
    ['DEL', KEY],
    ['HSET', KEY, '', ''],
  ],
  list: [
    ['DEL', KEY],
    ['RPUSH', KEY, ''],
  ],
  set: [
    ['DEL', KEY],
    ['SADD', KEY, ''],
  ],
  zset: [
    ['DEL', KEY],
    ['ZADD', KEY, 0, ''],
  ],
  stream: [
    ['DEL', KEY],
    ['XADD', KEY, '*', '', ''],
    ['XSETID', KEY, 0],
    ['XGROUP', 'CREATE', KEY, '', 0],
    ['XGROUP', 'DESTROY', KEY, ''],
  ],
  json: [
    ['DEL', KEY],
    ['JSON.SET', KEY, '$', ''],
  ],
};

const unique = (commands: readonly RedisCommand[]): readonly RedisCommand[] => [
  ...new Map(commands.map((command) => [command.join(' '), command])).values(),
];

const STATES: readonly RedisCommand[] = [
  ...REPLACING,
  ...Object.values(WRITING).flat(),
  ...EXPIRING,
  ['RESTORE', KEY, 0, ''],
  ['HPEXPIREAT', KEY, 0, 'FIELDS', 1, ''],
];

const KEYFERRY_RECORDS: readonly Need[] = [
  ORIGIN,
  { what: 'writing keys', commands: unique(STATES), keys: OWN_KEYS },
  // Which keys come is known to who writes the topics.
  { what: 'writing keys of any name', commands: [['UNLINK', KEY]], keys: ['*'], isOptional: true },
];

export const sinkNeeds = (sink: NeedySink): readonly Need[] => {
  if (sink.format === 'keyferry') return KEYFERRY_RECORDS;
  const keys = [globOf(sink.key)];
  if (sink.as === 'list' || sink.as === 'stream') return [ORIGIN, ...appendingNeeds(sink, keys), SIZES];
  const expiring: readonly RedisCommand[] = sink.expire === 0 ? [] : [['TIME'], ...EXPIRING];
  const commands = [...REPLACING, ...WRITING[sink.as], ...expiring];
  return [ORIGIN, { what: `writing keys (${sink.as})`, commands, keys }, SIZES];
};

const appendingNeeds = (sink: PlainSink, keys: readonly string[]): readonly Need[] => {
  const push: RedisCommand = [sink.push === 'left' ? 'LPUSH' : 'RPUSH', KEY, ''];
  const adding: readonly RedisCommand[] =
    sink.as === 'list'
      ? [push, ...(sink.maxLength === undefined ? [] : [['LTRIM', KEY, 0, -1] as const])]
      : [
          ['XADD', KEY, '*', '', ''],
          ['XINFO', 'STREAM', KEY],
        ];
  const expiring: readonly RedisCommand[] = sink.expire === 0 ? [] : [['PEXPIRE', KEY, 1]];
  return [
    { what: `appending to keys (${sink.as})`, commands: [...SCRIPT, ['TYPE', KEY], ...adding, ...expiring], keys },
    {
      what: 'remembering what was appended',
      commands: [...SCRIPT, ['HGET', KEY, ''], ['HSET', KEY, '', ''], ['HDEL', KEY, '']],
      keys: OWN_KEYS,
    },
  ];
};

const SIZES: Need = {
  what: 'knowing how long a string may be',
  commands: [['CONFIG', 'GET', 'proto-max-bulk-len']],
  keys: [],
  isOptional: true,
};

/** The keys that a template gives: `profile:{key}` those of `profile:*`. */
const globOf = (template: string): string =>
  template
    .split(/\{[^}]*\}/)
    .map(escaped)
    .join('*');
