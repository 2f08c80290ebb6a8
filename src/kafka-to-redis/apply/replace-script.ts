import type { RedisScript } from '../../clients/redis/port.ts';

/**
 * Replaces each of KEYS, atomically, by the state that its part of ARGV describes (replacement.ts): verb, expiry in Unix
 * ms, or +ms from now, or '', number of values that follow, values. Returns nil for each key, or the words of its refusal: a
 * key that was refused keeps what it had. Errors as a whole where the server takes no writes at all, or has not all of the
 * keys: while a slot moves, a key may then be gone until it is written where the slot goes.
 */
export const REPLACE: RedisScript = {
  readOnly: false,
  lua: `
-- Redis checks memory, role and replicas only at the first write of a script, and memory only for a command that may
-- grow. This one may, and changes nothing; so a server that takes no writes refuses it before any key was touched.
local probe = redis.pcall('SETRANGE', KEYS[1], 0, '')
if type(probe) == 'table' and not string.find(probe.err, 'WRONGTYPE', 1, true) then return probe end

-- Lua's stack takes fewer than 8000 values at once.
local CHUNK = 4000
local function push(command, key, first, last)
  for at = first, last, CHUNK do
    redis.call(command, key, unpack(ARGV, at, math.min(at + CHUNK - 1, last)))
  end
end

local function fill(command)
  return function(key, first, last)
    redis.call('DEL', key)
    push(command, key, first, last)
  end
end

-- Asked before the old value goes: a command that the server does not know is refused whatever its arguments.
local function demand(command)
  local reply = redis.pcall(command)
  if string.find(reply.err, 'nknown', 1, true) then
    error({ err = 'ERR unknown command ' .. command .. ': this server lacks it, or the module that brings it' })
  end
end

local verbs = { hash = fill('HSET'), list = fill('RPUSH'), set = fill('SADD'), zset = fill('ZADD') }

-- Values: number of expiring fields, then field and Unix ms of each, then fields and values.
verbs['expiring-hash'] = function(key, first, last)
  demand('HPEXPIREAT')
  local body = first + 1 + 2 * ARGV[first]
  verbs.hash(key, body, last)
  for at = first + 1, body - 1, 2 do
    redis.call('HPEXPIREAT', key, ARGV[at + 1], 'FIELDS', 1, ARGV[at])
  end
end

verbs.json = function(key, first)
  demand('JSON.SET')
  redis.call('DEL', key)
  redis.call('JSON.SET', key, '$', ARGV[first])
end

-- Values: last ID, number of groups, name and last ID of each, then of each entry its ID, number of texts, texts.
verbs.stream = function(key, first, last)
  redis.call('DEL', key)
  -- Only a new group makes a stream without entries.
  redis.call('XGROUP', 'CREATE', key, 'keyferry', 0, 'MKSTREAM')
  redis.call('XGROUP', 'DESTROY', key, 'keyferry')
  local groups = first + 2
  local entries = groups + 2 * ARGV[first + 1]
  local at = entries
  while at <= last do
    local texts = ARGV[at + 1]
    redis.call('XADD', key, ARGV[at], unpack(ARGV, at + 2, at + 1 + texts))
    at = at + 2 + texts
  end
  redis.call('XSETID', key, ARGV[first])
  for group = groups, entries - 1, 2 do
    redis.call('XGROUP', 'CREATE', key, ARGV[group], ARGV[group + 1])
  end
end

-- Counted from this server's own clock.
local now
local function moment(expiry)
  if string.sub(expiry, 1, 1) ~= '+' then return expiry end
  if not now then
    local time = redis.call('TIME')
    now = time[1] * 1000 + math.floor(time[2] / 1000)
  end
  return string.format('%.0f', now + expiry)
end

local function replace(key, verb, expiry, first, last)
  if verb == 'string' then
    if expiry == '' then redis.call('SET', key, ARGV[first])
    else redis.call('SET', key, ARGV[first], 'PXAT', expiry) end
  elseif verb == 'dump' then
    redis.call('RESTORE', key, expiry == '' and 0 or expiry, ARGV[first], 'REPLACE', 'ABSTTL')
  else
    verbs[verb](key, first, last)
    if expiry ~= '' then redis.call('PEXPIREAT', key, expiry) end
  end
end

local outcomes = {}
local at = 1
for position, key in ipairs(KEYS) do
  local last = at + 2 + ARGV[at + 2]
  local applied, reason = pcall(replace, key, ARGV[at], moment(ARGV[at + 1]), at + 3, last)
  local words = not applied and (type(reason) == 'table' and reason.err or tostring(reason))
  if words and string.find(words, 'cript attempted to ', 1, true) then return { err = words } end
  outcomes[position] = words
  at = last + 1
end
return outcomes
`,
};

/** Deletes each of KEYS. Returns how many keys that were, for each. */
export const REMOVE: RedisScript = {
  readOnly: false,
  lua: `
local outcomes = {}
for position, key in ipairs(KEYS) do outcomes[position] = redis.call('UNLINK', key) end
return outcomes
`,
};
