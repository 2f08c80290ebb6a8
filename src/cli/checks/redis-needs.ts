import type { RedisCommand } from '../../clients/redis/port.ts';
import { RESERVED_PREFIX } from '../../core/key-name.ts';

/** Stands for a key in a command. */
export const KEY = Buffer.from('a key');
export const SOME_SHA1 = '0'.repeat(40);

/** What a part of the configuration asks of the Redis user: the one list for an ACL. */
export interface Need {
  /** `reading keys` */
  readonly what: string;
  /** Those that a server does not know are taken for ones of a newer version or a module. */
  readonly commands: readonly RedisCommand[];
  /** Globs of the keys that stand at KEY; empty where none does. */
  readonly keys: readonly string[];
  /** How it is asked; `queue`, in a transaction that is discarded, where absent. */
  readonly ask?: 'queue' | 'run';
  /** Keyferry does without, and something is worse then. */
  readonly isOptional?: boolean;
}

export const OWN_KEYS: readonly string[] = [`${RESERVED_PREFIX}*`];
export const SCRIPT: readonly RedisCommand[] = [
  ['EVALSHA', SOME_SHA1, 1, KEY],
  ['EVAL', '', 1, KEY],
];

/** Of every connection. */
export const CONNECTION: readonly Need[] = [
  {
    what: 'a connection',
    commands: [
      ['CLIENT', 'ID'],
      ['CLIENT', 'KILL', 'ID', 0],
      ['SELECT', 0],
    ],
    keys: [],
  },
  {
    what: 'knowing the server, and being known to it',
    commands: [
      ['CLIENT', 'SETNAME', 'check'],
      ['CLIENT', 'NO-TOUCH', 'OFF'],
      ['COMMAND', 'INFO', 'GET'],
      ['INFO', 'server'],
    ],
    keys: [],
    isOptional: true,
  },
];

/** Of every source and sink. */
export const ORIGIN: Need = {
  what: 'the id of this Redis',
  commands: [...SCRIPT, ['SELECT', 0], ['SET', KEY, ''], ['GET', KEY]],
  keys: OWN_KEYS,
};

export const TOPOLOGIES: Readonly<Record<'standalone' | 'sentinel' | 'cluster', readonly Need[]>> = {
  standalone: [],
  sentinel: [{ what: 'knowing the master', commands: [['ROLE']], keys: [] }],
  cluster: [
    {
      what: 'following the cluster',
      commands: [
        ['CLUSTER', 'INFO'],
        ['CLUSTER', 'NODES'],
        ['CLUSTER', 'SLOTS'],
        ['CLUSTER', 'MYID'],
        ['ASKING'],
        ['ROLE'],
      ],
      keys: [],
    },
  ],
};

export interface NeedyRest {
  readonly readThrough: readonly { readonly pattern: string }[];
}

/** What REST needs by itself: the commands of those who ask are theirs. */
export const restNeeds = ({ readThrough }: NeedyRest): readonly Need[] => [
  { what: 'Redis REST', commands: [['COMMAND'], ['COMMAND', 'GETKEYSANDFLAGS', 'GET', 'key']], keys: [] },
  { what: 'transactions of Redis REST', commands: [['EXEC']], keys: [], ask: 'run' },
  ...(readThrough.length === 0
    ? []
    : [
        {
          what: 'reading through',
          commands: [['GET', KEY] as const, ['SET', KEY, '', 'NX', 'GET', 'PX', 1] as const],
          keys: readThrough.map(({ pattern }) => pattern),
        },
      ]),
];
