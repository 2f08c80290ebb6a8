import type { RedisConnection, RedisScript } from '../../clients/redis/port.ts';
import { isKeyferryError } from '../../core/errors.ts';
import { arrayOf } from '../converge/redis-replies.ts';
import type { Reading } from './reading.ts';

/** Removed by one call: about a millisecond of Redis' time. */
const MAX_REMOVED = 10_000;

/**
 * Looks and removes at once, so that no group can be made or moved back in between. IDs are compared as text: they have
 * 64 bits on each side, more than a Lua number holds. Whole nodes of the stream go first, in portions; the rest, less
 * than a node, goes last.
 */
const TRIM: RedisScript = {
  lua: `
local function split(id) return string.match(id, '^(%d+)-(%d+)$') end
local function less(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end
local function before(a, b)
  local aMs, aSeq = split(a)
  local bMs, bSeq = split(b)
  if aMs ~= bMs then return less(aMs, bMs) end
  return less(aSeq, bSeq)
end
local function behind(id)
  local ms, seq = split(id)
  if #seq > 15 then return id end
  return ms .. '-' .. string.format('%.0f', tonumber(seq) + 1)
end
local keep
for _, flat in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group = {}
  for at = 1, #flat, 2 do group[flat[at]] = flat[at + 1] end
  local first = behind(group['last-delivered-id'])
  if group.pending > 0 then first = redis.call('XPENDING', KEYS[1], group.name)[2] end
  if not keep or before(first, keep) then keep = first end
end
if not keep then return {0, 0, 0} end
local removed = redis.call('XTRIM', KEYS[1], 'MINID', '~', keep, 'LIMIT', ARGV[1])
local more = removed
if removed == 0 then removed = redis.call('XTRIM', KEYS[1], 'MINID', '=', keep) end
return {removed, redis.call('XLEN', KEYS[1]), more}
`,
  readOnly: false,
};

export interface Trimmed {
  readonly removed: number;
  /** Entries that stay, because some group has yet to read or acknowledge them. */
  readonly left: number;
}

/**
 * Removes from a stream what every one of its groups has read and acknowledged, and nothing else.
 * @throws KF_REDIS_UNAVAILABLE, KF_REDIS_PERMISSION
 */
export const trimStream = async (redis: RedisConnection, { name }: Reading): Promise<Trimmed> => {
  let total = 0;
  for (;;) {
    const [removed = 0, left = 0, more = 0] = await trimOnce(redis, name);
    total += removed;
    if (more === 0) return { removed: total, left };
  }
};

const trimOnce = async (redis: RedisConnection, name: Buffer): Promise<readonly number[]> => {
  try {
    return arrayOf(await redis.script(TRIM, [name], [MAX_REMOVED])).map(Number);
  } catch (error) {
    // The stream is gone, or none any more: the survey finds that out.
    if (isKeyferryError(error, 'KF_REDIS_REFUSED')) return [];
    throw error;
  }
};
