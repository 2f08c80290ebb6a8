import type { RedisScript } from '../../clients/redis/port.ts';
import type { PackedType } from '../../core/key-state.ts';
import { EXPIRY_LUA } from './expiry.ts';

/**
 * Reads KEYS, each atomically. ARGV: format (`json` or `dump`), maxValueBytes. One reply element per key, in order:
 *
 *     nil                                 gone
 *     bulk                                a string that does not expire, the common case
 *     0                                   not read: the call has done its share of work, or the key expires; ask again
 *     [expireAt, bulk]                    a string that expires
 *     [expireAt, bulk, code]              a collection, packed: PACKED_TYPES tells the type
 *     [type, expireAt, content, ...]      an array, as the type's own command gives it; a bulk for JSON and DUMP
 *     [type, expireAt, bytes]             a number: too large to travel
 *     [type, expireAt, nil, elements, parts, bytes, 0|1, 0|1]   too large for this call (LargeKey); 1: its fields may
 *                                         expire; 1: the server has PEXPIRETIME
 *
 * expireAt is Unix ms, -1 for never. Behind a hash's content stand its fields' expiries, where it has any; behind a
 * stream's, XINFO STREAM and XINFO GROUPS.
 *
 * Costs are microseconds, measured with Redis 7.0 on two busy cores. A script pays about four times what the same
 * command costs outside of it: every string on its way becomes one of Lua's. Number arguments cost 0.2 us to print, so
 * constant ones are texts. Packing a hash of ten fields costs as much here as its twenty replies would, and saves their
 * reader 4 us.
 */
const lua = `
local call = redis.call
local asDump, max = ARGV[1] == 'dump', tonumber(ARGV[2])

local WORK = 5000
local KEY, SAMPLED_KEY = 3, 10
local BYTE = { value = 0.0025, whole = 0.006 }
local COUNT = { hash = 'HLEN', list = 'LLEN', set = 'SCARD', zset = 'ZCARD', stream = 'XLEN' }
-- For a stream, of each string of an entry.
local ELEMENT = { hash = 0.5, list = 0.25, set = 0.25, zset = 1, stream = 0.35 }
local DUMP_ELEMENT = 0.1
-- Most strings are shorter: then their size need not be asked for.
local SHORT, LAST_OF_SHORT = 4096, '4095'

local hasFieldExpiry
if redis.VALKEY_VERSION_NUM then hasFieldExpiry = redis.VALKEY_VERSION_NUM >= 0x00090000
else hasFieldExpiry = (redis.REDIS_VERSION_NUM or 0) >= 0x00070400 end
${EXPIRY_LUA}
local function large(type, at, count, parts, bytes, fieldsMayExpire)
  return { type, at, false, count, parts, bytes, fieldsMayExpire and 1 or 0, hasExpireTime and 1 or 0 }
end

-- A hash in a plain listpack has no expiring fields.
local function fieldExpiries(key, entries)
  if not hasFieldExpiry or call('OBJECT', 'ENCODING', key) == 'listpack' then return false end
  local all, any = {}, false
  for from = 1, #entries, 2000 do
    local fields = {}
    for at = from, math.min(from + 1999, #entries), 2 do fields[#fields + 1] = entries[at] end
    for _, at in ipairs(call('HPEXPIRETIME', key, 'FIELDS', #fields, unpack(fields))) do
      all[#all + 1] = at
      any = any or at >= 0
    end
  end
  return any and all
end

local pack = cmsgpack.pack

local function collection(key, type, at)
  if type == 'hash' then
    local entries = call('HGETALL', key)
    local expiries = fieldExpiries(key, entries)
    if expiries then return { type, at, entries, expiries } end
    return { at, pack(entries), 1 }
  elseif type == 'list' then return { at, pack(call('LRANGE', key, '0', '-1')), 2 }
  elseif type == 'set' then return { at, pack(call('SMEMBERS', key)), 3 }
  elseif type == 'zset' then return { at, pack(call('ZRANGE', key, '0', '-1', 'WITHSCORES')), 4 }
  end
  return { type, at, call('XRANGE', key, '-', '+'), call('XINFO', 'STREAM', key), call('XINFO', 'GROUPS', key) }
end

-- How much of memory is surely content, whatever the encoding: not a stream's, which may be pending entries.
local function surelyTooLarge(type, count, memory)
  return type ~= 'stream' and memory / 2 - 200 * count - 8192 > max
end

-- Each of the functions below gives a key's reply and its cost; nothing where that exceeds the room left.
local function readString(key, at, room)
  local value = call('GETRANGE', key, '0', LAST_OF_SHORT)
  local bytes, cost = #value, KEY
  if bytes == SHORT then
    bytes = call('STRLEN', key)
    if bytes > max then return { 'string', at, bytes }, cost end
    cost = KEY + bytes * BYTE.value
    if cost > WORK then return large('string', at, 1, 1, bytes), KEY end
    if cost > room then return nil end
    value = call('GET', key)
  elseif bytes > max then return { 'string', at, bytes }, cost
  end
  if at == -1 then return value, cost end
  return { at, value }, cost
end

-- Strings of a stream's entry, its ID counted twice: of the longer one of the first and the last.
local function partsOf(key, type)
  local parts = 1
  if type ~= 'stream' then return parts end
  local first, last = call('XRANGE', key, '-', '+', 'COUNT', '1'), call('XREVRANGE', key, '+', '-', 'COUNT', '1')
  for _, ends in ipairs({ first, last }) do
    if ends[1] then parts = math.max(parts, 2 + #ends[1][2]) end
  end
  return parts
end

local function readCollection(key, type, at, room)
  local count, parts = call(COUNT[type], key), partsOf(key, type)
  -- Each string takes three bytes of the record beside its own; an entry of a stream has four at least.
  local tooMany = 3 * count * (type == 'stream' and 4 or 1) > max
  local work = count * parts * ELEMENT[type]
  local isLarge = tooMany or work > WORK
  local memory = call('MEMORY', 'USAGE', key, 'SAMPLES', isLarge and '100' or '0')
  if tooMany or surelyTooLarge(type, count, memory) then return { type, at, memory }, SAMPLED_KEY end
  local cost = KEY + work + memory * BYTE.value
  if isLarge or cost > WORK then
    local fieldsMayExpire = type == 'hash' and hasFieldExpiry
    return large(type, at, count, parts, memory, fieldsMayExpire), SAMPLED_KEY
  end
  if cost > room then return nil end
  return collection(key, type, at), cost
end

-- Redis makes a DUMP payload, and a JSON text, in one go: what takes too long for one call cannot travel at all.
local function readWhole(key, type, at, room, command)
  local count, bytes = 1, 0
  if type == 'string' then bytes = call('STRLEN', key)
  else
    if COUNT[type] then count = call(COUNT[type], key) end
    bytes = call('MEMORY', 'USAGE', key, 'SAMPLES', '100')
  end
  local cost = KEY + count * DUMP_ELEMENT + bytes * BYTE.whole
  if cost > 2 * WORK or (type == 'string' and bytes > max) then return { type, at, bytes }, SAMPLED_KEY end
  if cost > room then return nil end
  local content = call(command, key)
  if #content > max then return { type, at, #content }, cost end
  return { type, at, content }, cost
end

local function read(key, room)
  local type = call('TYPE', key).ok
  if type == 'none' then return false, KEY end
  local at = expiry(key)
  if not at then return nil end
  if not asDump then
    if type == 'string' then return readString(key, at, room) end
    if COUNT[type] then return readCollection(key, type, at, room) end
    if type == 'ReJSON-RL' then return readWhole(key, type, at, room, 'JSON.GET') end
  end
  return readWhole(key, type, at, room, 'DUMP')
end

local found, room = {}, WORK
for i = 1, #KEYS do
  local reply, cost
  -- The first key always gets through, unless it expires: alone, none costs more than 2 * WORK.
  if room > 0 then reply, cost = read(KEYS[i], i == 1 and math.huge or room) end
  if reply == nil then reply, cost = 0, room end
  found[i], room = reply, room - cost
end
return found
`;

/** By the code that the script gives. */
export const PACKED_TYPES: readonly (PackedType | undefined)[] = [undefined, 'hash', 'list', 'set', 'zset'];

export const READ_KEYS: RedisScript = { lua, readOnly: true };

/** 1 for each key that exists, 0 for the others. EXISTS leaves the key's idle time alone. */
export const KEYS_EXIST: RedisScript = {
  lua: `
local found = {}
for i = 1, #KEYS do found[i] = redis.call('EXISTS', KEYS[i]) end
return found
`,
  readOnly: true,
};
