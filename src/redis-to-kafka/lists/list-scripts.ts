import type { RedisScript } from '../../clients/redis/port.ts';

// A Redis that is full refuses what may take memory, until a script has begun to write: so each begins with a trim, if need be
// of nothing. Otherwise a queue that has filled Redis could not be emptied.

/**
 * Opens a session: KEYS processing list, mark; ARGV session. From now on no other session can take or remove anything.
 * Returns how many items stand in the processing list.
 */
export const OPEN: RedisScript = {
  lua: `
local standing = redis.call('LLEN', KEYS[1])
redis.call('LTRIM', KEYS[1], 0, -1)
redis.call('SET', KEYS[2], ARGV[1] .. ' 0')
return standing
`,
  readOnly: false,
};

/**
 * One turn: removes what Kafka holds, takes what comes next. KEYS list, processing list, mark; ARGV session, position up
 * to which items may be removed, position up to which they were given out, most items, most bytes, end to take from.
 *
 * A position counts the items of a session; the mark holds that of the processing list's head. So each call says what is
 * to be, not what is to be done, and may be repeated after a lost reply: nothing is removed or left out twice.
 * Returns {items left in the list, the items}, or the reason why this session is over. Looks first, changes then: a key
 * of a wrong type changes nothing.
 */
export const TAKE: RedisScript = {
  lua: `
local acknowledged, given = tonumber(ARGV[2]), tonumber(ARGV[3])
local most, most_bytes, from = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local length = redis.call('LLEN', KEYS[1])
local standing = redis.call('LLEN', KEYS[2])
local session, removed = string.match(redis.call('GET', KEYS[3]) or '', '^(%S+) (%d+)$')
if not session then return 'forgotten' end
if session ~= ARGV[1] then return 'taken-over' end
removed = tonumber(removed)
if removed + standing < given then return 'shortened' end
redis.call('LTRIM', KEYS[2], math.max(acknowledged - removed, 0), -1)
if acknowledged > removed then
  standing = standing - (acknowledged - removed)
  removed = acknowledged
  redis.call('SET', KEYS[3], session .. ' ' .. string.format('%.0f', removed))
end
local items, bytes = {}, 0
local function add(item)
  items[#items + 1] = item
  bytes = bytes + #item
end
for at = given - removed, standing - 1 do
  if #items >= most or bytes >= most_bytes then return {length, items} end
  add(redis.call('LINDEX', KEYS[2], at))
end
while #items < most and bytes < most_bytes and length > 0 do
  add(redis.call('LMOVE', KEYS[1], KEYS[2], from, 'RIGHT'))
  length = length - 1
end
return {length, items}
`,
  readOnly: false,
};

/** Leaves nothing behind where nothing stands in the processing list. KEYS processing list, mark; ARGV session. */
export const CLOSE: RedisScript = {
  lua: `
local session = string.match(redis.call('GET', KEYS[2]) or '', '^%S+')
if session == ARGV[1] and redis.call('LLEN', KEYS[1]) == 0 then redis.call('DEL', KEYS[2]) end
return 0
`,
  readOnly: false,
};
