import type { RedisCommand, RedisReply } from '../../clients/redis/port.ts';

/** Gives a script `expiry(key)`: Unix ms, -1 for never, -2 for no key; nil where the key expires in this very moment. */
export const EXPIRY_LUA = `
local LAST_EXPIRY = 9007199254740991
-- PEXPIRETIME came with Redis 7, as this constant did.
local hasExpireTime = redis.REDIS_VERSION_NUM ~= nil

local function milliseconds()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Before Redis 7 only the time left is told, by a clock that goes on while the script runs. Equal readings on both sides
-- enclose one millisecond: so what comes out is the same moment, each time that the key is read.
local function expiryByTimeLeft(key)
  while true do
    local now = milliseconds()
    local left = redis.call('PTTL', key)
    if left < 0 then return left end
    -- Also what has passed since the script began is told as 0.
    if left == 0 then return nil end
    if milliseconds() == now then return now + left end
  end
end

local function expiry(key)
  local at
  if hasExpireTime then at = redis.call('PEXPIRETIME', key) else at = expiryByTimeLeft(key) end
  if at and at > LAST_EXPIRY then return LAST_EXPIRY end
  return at
end
`;

const EXPIRY_OF_KEY = `${EXPIRY_LUA}return expiry(KEYS[1])`;

/** @param hasExpireTime whether the server has PEXPIRETIME. Its reply is null where the key expires in this very moment. */
export const expiryCommand = (key: Buffer, hasExpireTime: boolean): RedisCommand =>
  hasExpireTime ? ['PEXPIRETIME', key] : ['EVAL', EXPIRY_OF_KEY, 1, key];

/** @param reply of PEXPIRETIME: -1 where the key does not expire. */
export const expiryOf = (reply: RedisReply): number | undefined =>
  typeof reply === 'number' && reply >= 0 ? reply : undefined;
