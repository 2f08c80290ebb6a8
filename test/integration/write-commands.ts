type Command = readonly (string | number)[];

export interface Recipe {
  /** What must stand before. `$a`, `$b` ... become keys of this command alone. */
  readonly given?: readonly Command[];
  readonly run: Command | readonly Command[];
}

const SET: Command = ['SET', '$a', 'one'];
const COUNTER: Command = ['SET', '$a', 5];
const HASH: Command = ['HSET', '$a', 'f', 1, 'g', 2];
const LIST: Command = ['RPUSH', '$a', 'x', 'y', 'z'];
const MEMBERS: Command = ['SADD', '$a', 'x', 'y', 'z'];
const SCORES: Command = ['ZADD', '$a', 1, 'x', 1, 'y', 3, 'z'];
const PLACES: Command = ['GEOADD', '$a', 13.4, 52.5, 'Berlin', 2.3, 48.9, 'Paris'];
const HLL: Command = ['PFADD', '$a', 'x', 'y'];
const STREAM: Command = ['XADD', '$a', '1-1', 'f', 'v'];
const MORE: Command = ['XADD', '$a', '2-1', 'f', 'w'];
const GROUP: Command = ['XGROUP', 'CREATE', '$a', 'g', '0'];
const READ: Command = ['XREADGROUP', 'GROUP', 'g', 'c', 'COUNT', 1, 'STREAMS', '$a', '>'];

/** A way to use each write command of Redis such that it changes something. `null`: it writes no key, with the reason. */
export const RECIPES: Readonly<Record<string, Recipe | null>> = {
  append: { given: [SET], run: ['APPEND', '$a', '!'] },
  bitfield: { given: [SET], run: ['BITFIELD', '$a', 'SET', 'u8', 0, 65] },
  bitop: { given: [SET], run: ['BITOP', 'NOT', '$b', '$a'] },
  blmove: { given: [LIST], run: ['BLMOVE', '$a', '$b', 'LEFT', 'RIGHT', 0] },
  blmpop: { given: [LIST], run: ['BLMPOP', 0, 1, '$a', 'LEFT'] },
  blpop: { given: [LIST], run: ['BLPOP', '$a', 0] },
  brpop: { given: [LIST], run: ['BRPOP', '$a', 0] },
  brpoplpush: { given: [LIST], run: ['BRPOPLPUSH', '$a', '$b', 0] },
  bzmpop: { given: [SCORES], run: ['BZMPOP', 0, 1, '$a', 'MIN'] },
  bzpopmax: { given: [SCORES], run: ['BZPOPMAX', '$a', 0] },
  bzpopmin: { given: [SCORES], run: ['BZPOPMIN', '$a', 0] },
  copy: { given: [SET], run: ['COPY', '$a', '$b'] },
  decr: { given: [COUNTER], run: ['DECR', '$a'] },
  decrby: { given: [COUNTER], run: ['DECRBY', '$a', 3] },
  del: { given: [SET], run: ['DEL', '$a'] },
  expire: { given: [SET], run: ['EXPIRE', '$a', 1000] },
  expireat: { given: [SET], run: ['EXPIREAT', '$a', 4_000_000_000] },
  flushall: { given: [SET], run: ['FLUSHALL'] },
  flushdb: { given: [SET], run: ['FLUSHDB'] },
  'function|delete': null,
  'function|flush': null,
  'function|load': null,
  'function|restore': null,
  geoadd: { run: PLACES },
  georadius: { given: [PLACES], run: ['GEORADIUS', '$a', 13, 52, 100, 'km', 'STORE', '$b'] },
  georadiusbymember: { given: [PLACES], run: ['GEORADIUSBYMEMBER', '$a', 'Paris', 10, 'km', 'STORE', '$b'] },
  geosearchstore: { given: [PLACES], run: ['GEOSEARCHSTORE', '$b', '$a', 'FROMMEMBER', 'Paris', 'BYRADIUS', 9, 'km'] },
  getdel: { given: [SET], run: ['GETDEL', '$a'] },
  getex: { given: [SET], run: ['GETEX', '$a', 'EX', 1000] },
  getset: { given: [SET], run: ['GETSET', '$a', 'two'] },
  hdel: { given: [HASH], run: ['HDEL', '$a', 'f', 'g'] },
  hexpire: { given: [HASH], run: ['HEXPIRE', '$a', 1000, 'FIELDS', 1, 'f'] },
  hexpireat: { given: [HASH], run: ['HEXPIREAT', '$a', 4_000_000_000, 'FIELDS', 1, 'f'] },
  hincrby: { given: [HASH], run: ['HINCRBY', '$a', 'f', 1] },
  hincrbyfloat: { given: [HASH], run: ['HINCRBYFLOAT', '$a', 'f', 0.5] },
  hmset: { run: ['HMSET', '$a', 'f', 'v'] },
  hpersist: { given: [HASH, ['HEXPIRE', '$a', 1000, 'FIELDS', 1, 'f']], run: ['HPERSIST', '$a', 'FIELDS', 1, 'f'] },
  hpexpire: { given: [HASH], run: ['HPEXPIRE', '$a', 1_000_000, 'FIELDS', 2, 'f', 'g'] },
  hpexpireat: { given: [HASH], run: ['HPEXPIREAT', '$a', 4_000_000_000_123, 'FIELDS', 1, 'g'] },
  hset: { run: HASH },
  hsetnx: { given: [HASH], run: ['HSETNX', '$a', 'h', 'new'] },
  incr: { given: [COUNTER], run: ['INCR', '$a'] },
  incrby: { given: [COUNTER], run: ['INCRBY', '$a', 3] },
  incrbyfloat: { given: [COUNTER], run: ['INCRBYFLOAT', '$a', 0.5] },
  linsert: { given: [LIST], run: ['LINSERT', '$a', 'BEFORE', 'y', 'new'] },
  lmove: { given: [LIST], run: ['LMOVE', '$a', '$b', 'LEFT', 'RIGHT'] },
  lmpop: { given: [LIST], run: ['LMPOP', 1, '$a', 'LEFT'] },
  lpop: { given: [LIST], run: ['LPOP', '$a', 3] },
  lpush: { run: ['LPUSH', '$a', 'x'] },
  lpushx: { given: [LIST], run: ['LPUSHX', '$a', 'w'] },
  lrem: { given: [LIST], run: ['LREM', '$a', 0, 'y'] },
  lset: { given: [LIST], run: ['LSET', '$a', 1, 'new'] },
  ltrim: { given: [LIST], run: ['LTRIM', '$a', 1, 1] },
  // The other server stands in for $PORT.
  migrate: { given: [SET], run: ['MIGRATE', '127.0.0.1', '$PORT', '$a', 0, 5000] },
  move: { given: [SET], run: ['MOVE', '$a', 1] },
  mset: { run: ['MSET', '$a', 1, '$b', 2] },
  msetnx: { run: ['MSETNX', '$a', 1, '$b', 2] },
  persist: { given: [['SET', '$a', 'x', 'EX', 1000]], run: ['PERSIST', '$a'] },
  pexpire: { given: [SET], run: ['PEXPIRE', '$a', 1_000_000] },
  pexpireat: { given: [SET], run: ['PEXPIREAT', '$a', 4_000_000_000_123] },
  pfadd: { given: [HLL], run: ['PFADD', '$a', 'z'] },
  // Its cached count is part of the value, and changes without a notification.
  pfcount: { given: [HLL], run: ['PFCOUNT', '$a'] },
  // A debugging aid that changes the encoding.
  pfdebug: { given: [HLL], run: ['PFDEBUG', 'TODENSE', '$a'] },
  pfmerge: { given: [HLL], run: ['PFMERGE', '$b', '$a'] },
  psetex: { run: ['PSETEX', '$a', 1_000_000, 'x'] },
  rename: { given: [SET], run: ['RENAME', '$a', '$b'] },
  renamenx: { given: [SET], run: ['RENAMENX', '$a', '$b'] },
  // A DUMP of "one" made by Redis 7.0.
  restore: { run: ['RESTORE', '$a', 0, '$DUMP'] },
  'restore-asking': null,
  rpop: { given: [LIST], run: ['RPOP', '$a'] },
  rpoplpush: { given: [LIST], run: ['RPOPLPUSH', '$a', '$b'] },
  rpush: { run: LIST },
  rpushx: { given: [LIST], run: ['RPUSHX', '$a', 'w'] },
  sadd: { run: MEMBERS },
  sdiffstore: { given: [MEMBERS], run: ['SDIFFSTORE', '$b', '$a'] },
  set: { given: [SET], run: ['SET', '$a', 'two'] },
  setbit: { run: ['SETBIT', '$a', 7, 1] },
  setex: { run: ['SETEX', '$a', 1000, 'x'] },
  setnx: { run: ['SETNX', '$a', 'x'] },
  setrange: { given: [SET], run: ['SETRANGE', '$a', 1, 'xx'] },
  sinterstore: { given: [MEMBERS], run: ['SINTERSTORE', '$b', '$a', '$a'] },
  smove: { given: [MEMBERS], run: ['SMOVE', '$a', '$b', 'x'] },
  sort: { given: [['RPUSH', '$a', 3, 1, 2]], run: ['SORT', '$a', 'STORE', '$b'] },
  spop: { given: [MEMBERS], run: ['SPOP', '$a', 3] },
  srem: { given: [MEMBERS], run: ['SREM', '$a', 'x'] },
  sunionstore: { given: [MEMBERS], run: ['SUNIONSTORE', '$b', '$a'] },
  swapdb: { given: [SET], run: ['SWAPDB', 0, 1] },
  unlink: { given: [SET], run: ['UNLINK', '$a'] },
  // Pending entries are no part of the record; the key is looked at all the same.
  xack: { given: [STREAM, GROUP, READ], run: [['XACK', '$a', 'g', '1-1'], MORE] },
  xadd: { given: [STREAM], run: MORE },
  xautoclaim: { given: [STREAM, GROUP, READ], run: [['XAUTOCLAIM', '$a', 'g', 'd', 0, 0], MORE] },
  xclaim: { given: [STREAM, GROUP], run: ['XCLAIM', '$a', 'g', 'd', 0, '1-1', 'FORCE', 'LASTID', '1-1'] },
  xdel: { given: [STREAM, MORE], run: ['XDEL', '$a', '1-1'] },
  'xgroup|create': { given: [STREAM], run: GROUP },
  'xgroup|createconsumer': { given: [STREAM, GROUP], run: [['XGROUP', 'CREATECONSUMER', '$a', 'g', 'c'], MORE] },
  'xgroup|delconsumer': { given: [STREAM, GROUP, READ], run: [['XGROUP', 'DELCONSUMER', '$a', 'g', 'c'], MORE] },
  'xgroup|destroy': { given: [STREAM, GROUP], run: ['XGROUP', 'DESTROY', '$a', 'g'] },
  'xgroup|setid': { given: [STREAM, GROUP], run: ['XGROUP', 'SETID', '$a', 'g', '1-1'] },
  // Moves the group on without a notification.
  xreadgroup: { given: [STREAM, GROUP], run: READ },
  xsetid: { given: [STREAM], run: ['XSETID', '$a', '9-9'] },
  xtrim: { given: [STREAM, MORE], run: ['XTRIM', '$a', 'MAXLEN', 1] },
  zadd: { given: [SCORES], run: ['ZADD', '$a', 2, 'x'] },
  zdiffstore: { given: [SCORES], run: ['ZDIFFSTORE', '$b', 1, '$a'] },
  zincrby: { given: [SCORES], run: ['ZINCRBY', '$a', 1.5, 'x'] },
  zinterstore: { given: [SCORES], run: ['ZINTERSTORE', '$b', 1, '$a'] },
  zmpop: { given: [SCORES], run: ['ZMPOP', 1, '$a', 'MIN'] },
  zpopmax: { given: [SCORES], run: ['ZPOPMAX', '$a', 3] },
  zpopmin: { given: [SCORES], run: ['ZPOPMIN', '$a'] },
  zrangestore: { given: [SCORES], run: ['ZRANGESTORE', '$b', '$a', 0, 1] },
  zrem: { given: [SCORES], run: ['ZREM', '$a', 'x'] },
  zremrangebylex: { given: [['ZADD', '$a', 0, 'x', 0, 'y']], run: ['ZREMRANGEBYLEX', '$a', '-', '[x'] },
  zremrangebyrank: { given: [SCORES], run: ['ZREMRANGEBYRANK', '$a', 0, 0] },
  zremrangebyscore: { given: [SCORES], run: ['ZREMRANGEBYSCORE', '$a', 1, 1] },
  zunionstore: { given: [SCORES], run: ['ZUNIONSTORE', '$b', 1, '$a'] },
  eval: { run: ['EVAL', "redis.call('SET', KEYS[1], 1); redis.call('HSET', KEYS[2], 'f', 'v')", 2, '$a', '$b'] },
  exec: { run: [['MULTI'], ['SET', '$a', 1], ['DEL', '$a'], ['LPUSH', '$a', 'x'], ['SET', '$b', 2], ['EXEC']] },
};
