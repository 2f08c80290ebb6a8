import type { Redis } from 'ioredis';

interface Commands {
  readonly hasExpireTime: boolean;
  readonly hasFieldExpiry: boolean;
}

const known = new WeakMap<Redis, Promise<Commands>>();

const commandsOf = (redis: Redis): Promise<Commands> => {
  const asked = known.get(redis) ?? ask(redis);
  known.set(redis, asked);
  return asked;
};

const ask = async (redis: Redis): Promise<Commands> => {
  const infos = (await redis.call('COMMAND', 'INFO', 'PEXPIRETIME', 'HPEXPIRETIME')) as unknown[];
  return { hasExpireTime: infos[0] !== null, hasFieldExpiry: infos[1] !== null };
};

/** Unix ms; -1: the key does not expire; -2: there is none. */
export const expiryOf = async (redis: Redis, key: Buffer): Promise<number> => {
  if ((await commandsOf(redis)).hasExpireTime) return Number(await redis.call('PEXPIRETIME', key));
  // Before Redis 7 only the time left is told: it is counted from a moment that is known where the clock stood still.
  for (;;) {
    const replies = (await redis.multi().time().pttl(key).time().exec()) ?? [];
    const [before, left, after] = replies.map(([, reply]) => reply);
    if (Number(left) < 0) return Number(left);
    if (milliseconds(before) === milliseconds(after)) return milliseconds(before) + Number(left);
  }
};

const milliseconds = (time: unknown): number => {
  const [seconds, microseconds] = time as [string | number, string | number];
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
};

/** Unix ms of the fields that expire; empty where none does, or none can. */
export const fieldExpiriesOf = async (
  redis: Redis,
  key: Buffer,
  fields: readonly Buffer[],
): Promise<ReadonlyMap<Buffer, number>> => {
  if (fields.length === 0 || !(await commandsOf(redis)).hasFieldExpiry) return new Map();
  const reply = (await redis.call('HPEXPIRETIME', key, 'FIELDS', fields.length, ...fields)) as number[];
  return new Map(fields.flatMap((field, at) => ((reply[at] ?? -1) < 0 ? [] : [[field, Number(reply[at])] as const])));
};
