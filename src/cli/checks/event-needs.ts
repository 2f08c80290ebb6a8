import { escaped, isGlob } from './key-globs.ts';
import { KEY, type Need, ORIGIN, OWN_KEYS, SCRIPT } from './redis-needs.ts';

export interface NeedyStreams {
  readonly type: 'stream';
  readonly keys: readonly string[];
  readonly trim: 'none' | 'acknowledged';
  /** Durations, ms; 0: never. */
  readonly claimAfter: number;
}

const streamNeeds = ({ keys, trim, claimAfter }: NeedyStreams): readonly Need[] => [
  ORIGIN,
  {
    what: 'reading streams',
    commands: [
      ['XREADGROUP', 'GROUP', '', '', 'STREAMS', KEY, '>'],
      ['XACK', KEY, '', 0],
      ['XGROUP', 'CREATE', KEY, '', 0],
      ['XINFO', 'STREAM', KEY],
      ['XINFO', 'GROUPS', KEY],
    ],
    keys,
  },
  ...(claimAfter > 0 ? [claiming(keys)] : []),
  ...(trim === 'acknowledged' ? [trimming(keys)] : []),
  ...(keys.some(isGlob) ? [{ what: 'finding streams', commands: [['SCAN', 0] as const], keys: [] }] : []),
];

const claiming = (keys: readonly string[]): Need => ({
  what: 'taking entries over from other consumers',
  commands: [
    ['XAUTOCLAIM', KEY, '', '', 0, 0],
    ['XPENDING', KEY, ''],
  ],
  keys,
});

const trimming = (keys: readonly string[]): Need => ({
  what: 'trimming streams',
  commands: [...SCRIPT, ['XINFO', 'GROUPS', KEY], ['XPENDING', KEY, ''], ['XTRIM', KEY, 'MINID', 0], ['XLEN', KEY]],
  keys,
});

export interface NeedyLists {
  readonly type: 'list';
  readonly keys: readonly string[];
}

const listNeeds = ({ keys }: NeedyLists): readonly Need[] => {
  const lists = keys.map(escaped);
  return [
    ORIGIN,
    {
      what: 'taking items from lists',
      commands: [
        ...SCRIPT,
        ['LLEN', KEY],
        ['LMOVE', KEY, KEY, 'LEFT', 'RIGHT'],
        ['BLMOVE', KEY, KEY, 'LEFT', 'LEFT', 0],
      ],
      keys: lists,
    },
    {
      what: 'keeping the items that were taken',
      commands: [
        ['LLEN', KEY],
        ['LTRIM', KEY, 0, -1],
        ['LINDEX', KEY, 0],
        ['LMOVE', KEY, KEY, 'LEFT', 'RIGHT'],
        ['GET', KEY],
        ['SET', KEY, ''],
        ['DEL', KEY],
      ],
      keys: OWN_KEYS,
    },
  ];
};

/** @returns what a source of events needs. */
export const eventNeeds = (source: NeedyStreams | NeedyLists): readonly Need[] =>
  source.type === 'stream' ? streamNeeds(source) : listNeeds(source);
