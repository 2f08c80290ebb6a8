import { KeyferryError } from '../../core/errors.ts';
import type { RedisArgument, RedisReply, RedisScript, ScriptKeys } from './port.ts';

export const argsOf = ({ args, ownArgs = [] }: ScriptKeys): readonly RedisArgument[] => [...args, ...ownArgs.flat()];

/** Those of the keys that stand at these places, with what belongs to them. */
export const keysAt = ({ keys, args, ownArgs }: ScriptKeys, places: readonly number[]): ScriptKeys => ({
  keys: places.flatMap((at) => keys[at] ?? []),
  args,
  ownArgs: ownArgs && places.map((at) => ownArgs[at] ?? []),
});

/** The elements of a script's reply, one for each key; the error, or what is wrong with the reply, in the place of each. */
export const eachOf = (reply: RedisReply | Error, keys: number): readonly (RedisReply | Error)[] => {
  if (Array.isArray(reply) && reply.length === keys) return reply as readonly RedisReply[];
  const error = reply instanceof Error ? reply : new KeyferryError('KF_REDIS_REFUSED', WRONG_SHAPE);
  return Array.from({ length: keys }, () => error);
};

const WRONG_SHAPE = 'A script did not answer with an element for each key';

const withoutKeys = new WeakMap<RedisScript, RedisScript>();

/**
 * The script as one that gets its keys as arguments. A node of a cluster refuses a script that is given keys of several
 * slots, but lets one find its way to any key that it has: so one call reads what would take one for each slot.
 */
export const acrossSlots = (script: RedisScript): RedisScript => {
  const known = withoutKeys.get(script);
  if (known !== undefined) return known;
  const wrapped = { ...script, lua: PREAMBLE + script.lua };
  withoutKeys.set(script, wrapped);
  return wrapped;
};

export const argsAcrossSlots = (on: ScriptKeys): readonly RedisArgument[] => [
  on.keys.length,
  ...on.keys,
  ...argsOf(on),
];

const PREAMBLE = `
local KEYS, ARGV = (function(all)
  local count = tonumber(all[1])
  local keys, args = {}, {}
  for i = 1, count do keys[i] = all[i + 1] end
  for i = count + 2, #all do args[i - count - 1] = all[i] end
  return keys, args
end)(ARGV)
`;
