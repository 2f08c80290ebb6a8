import type { RedisScript } from '../../clients/redis/port.ts';

/**
 * Adds the records of one partition to lists or streams, each once (I6): the offset of the last one added stands in the
 * hash KEYS[1], written by the same call, and what is at or below it is passed over.
 *
 * KEYS: positions, then the keys to append to. ARGV: field of the positions (topic/partition), the topic's id or '',
 * LPUSH, RPUSH or XADD, length limit or '', time to live in ms or '', sequence number of IDs; then of each record, by
 * offset: number of its key among KEYS, offset, number of values, values.
 *
 * Returns how many records were passed over, how many were added after them, and then position (from 1) and words of
 * refusals. Keys of another type are told all at once, before anything is added; another refusal ends the call. Errors as
 * a whole where the server takes no writes at all.
 */
export const APPEND: RedisScript = {
  readOnly: false,
  lua: `
local field, topic, verb, limit, ttl, sequence = unpack(ARGV, 1, 6)
local HEAD = 6

-- Offsets stay texts: a Lua number does not hold all of them.
local function is_above(a, b)
  return #a > #b or (#a == #b and a > b)
end

-- Another id: the topic was deleted and made again, and its offsets begin anew.
local position = ''
local standing = redis.call('HGET', KEYS[1], field)
if standing then
  local id, offset = string.match(standing, '^(%S*) (%d*)$')
  if topic == '' then topic = id or '' end
  if id == topic or id == '' then position = offset end
end

-- Redis checks memory, role and replicas only at the first write of a script. This one changes nothing that matters, so
-- that a server that takes no writes refuses it before any record was added.
redis.call('HSET', KEYS[1], field, topic .. ' ' .. position)

local at, skipped = HEAD + 1, 0
while at <= #ARGV and not is_above(ARGV[at + 1], position) do
  at = at + 3 + ARGV[at + 2]
  skipped = skipped + 1
end

local wanted = verb == 'XADD' and 'stream' or 'list'
local types, reply = {}, { skipped, 0 }
local look, number = at, skipped
while look <= #ARGV do
  local key = KEYS[1 + ARGV[look]]
  number = number + 1
  types[key] = types[key] or redis.call('TYPE', key).ok
  if types[key] ~= wanted and types[key] ~= 'none' then
    reply[#reply + 1] = number
    reply[#reply + 1] = 'WRONGTYPE the key holds a ' .. types[key] .. ', and no ' .. wanted
  end
  look = look + 3 + ARGV[look + 2]
end
if #reply > 2 then return reply end

local function add_entry(key, id, first, last)
  if limit == '' then return redis.pcall('XADD', key, id, unpack(ARGV, first, last)) end
  return redis.pcall('XADD', key, 'MAXLEN', '~', limit, id, unpack(ARGV, first, last))
end

local function is_refused(outcome, words)
  return type(outcome) == 'table' and outcome.err and (not words or string.find(outcome.err, words, 1, true))
end

local function last_id(key)
  local info = redis.call('XINFO', 'STREAM', key)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return info[i + 1] end
  end
end

-- Halves of IDs stay texts as well.
local function incremented(digits)
  local head, nines = string.match(digits, '^(.-)(9*)$')
  local last = head == '' and 0 or string.sub(head, -1)
  return string.sub(head, 1, -2) .. string.format('%d', last + 1) .. string.rep('0', #nines)
end

-- Redis 7 takes an ID with * for its second half; this constant came with it.
local function next_id(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return ms .. '-' .. (redis.REDIS_VERSION_NUM and '*' or incremented(seq))
end

-- An ID's first half is the offset, unless another partition, topic or program has written a higher one: then that.
local tops = {}
local function append_entry(key, offset, first, last)
  local added
  local top = tops[key] and string.match(tops[key], '^%d+')
  if not top or is_above(offset, top) then
    added = add_entry(key, offset .. '-' .. sequence, first, last)
    if is_refused(added, 'equal or smaller') then added = add_entry(key, next_id(last_id(key)), first, last) end
  else
    added = add_entry(key, next_id(tops[key]), first, last)
  end
  if not is_refused(added) then tops[key] = added end
  return added
end

local touched = {}
local added = 0
while at <= #ARGV do
  local key, offset, last = KEYS[1 + ARGV[at]], ARGV[at + 1], at + 2 + ARGV[at + 2]
  local outcome
  if verb == 'XADD' then outcome = append_entry(key, offset, at + 3, last)
  else outcome = redis.pcall(verb, key, ARGV[at + 3]) end
  if is_refused(outcome) then
    reply[3], reply[4] = skipped + added + 1, outcome.err
    break
  end
  touched[key] = true
  position = offset
  added = added + 1
  at = last + 1
end

redis.call('HSET', KEYS[1], field, topic .. ' ' .. position)
for key in pairs(touched) do
  if limit ~= '' and verb == 'LPUSH' then redis.call('LTRIM', key, 0, limit - 1) end
  if limit ~= '' and verb == 'RPUSH' then redis.call('LTRIM', key, -limit, -1) end
  if ttl ~= '' then redis.call('PEXPIRE', key, ttl) end
end
reply[2] = added
return reply
`,
};
