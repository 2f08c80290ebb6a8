import { inspect, isDeepStrictEqual } from 'node:util';
import type { Redis } from 'ioredis';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { eventually } from './eventually.ts';
import { expiryOf, fieldExpiriesOf } from './independent-expiry.ts';

/**
 * Reads Redis and the topic by other means than Keyferry's own, so that a test compares two independent views: kafkajs'
 * consumer on one side, plain per-type commands on the other, and the record contract spelled out once more here.
 */
export interface TopicRecord {
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly partition: number;
  readonly offset: bigint;
}

/** Keys as latin1 strings. */
export type TopicView = ReadonlyMap<string, TopicRecord>;

/** Every record of a topic, in offset order within a partition. */
export const readTopic = async (
  brokers: readonly string[],
  topic: string,
): Promise<readonly (TopicRecord & { key: string })[]> => {
  const kafka = new Kafka({ brokers: [...brokers], clientId: 'independent-reader', logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await readFrom(kafka, admin, topic);
  } finally {
    await admin.disconnect();
  }
};

const readFrom = async (
  kafka: Kafka,
  admin: Admin,
  topic: string,
): Promise<readonly (TopicRecord & { key: string })[]> => {
  // The leader of a topic that was made a moment ago may not know yet that it leads.
  const ends = await eventually(() => admin.fetchTopicOffsets(topic), { what: `the ends of ${topic}` });
  const groupId = `independent-${Math.random().toString(36).slice(2)}`;
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 });
  const records: (TopicRecord & { key: string })[] = [];
  const open = new Map(
    ends.filter(({ low, high }) => BigInt(high) > BigInt(low)).map(({ partition, high }) => [partition, BigInt(high)]),
  );
  if (open.size > 0) {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => {
        if (!payload.restart) reject(payload.error);
      });
      // A fetch may end in markers or compacted offsets, which are not delivered: the offset after it tells.
      consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
        if (BigInt(payload.lastOffset) + 1n >= (open.get(payload.partition) ?? 0n)) open.delete(payload.partition);
        if (open.size === 0) resolve();
      });
      consumer
        .run({
          eachBatch: ({ batch }) => {
            for (const { key, value, headers = {}, offset } of batch.messages) {
              records.push({
                key: key?.toString('latin1') ?? '',
                value,
                headers: Object.fromEntries(Object.entries(headers).map(([name, bytes]) => [name, String(bytes)])),
                partition: batch.partition,
                offset: BigInt(offset),
              });
            }
            return Promise.resolve();
          },
        })
        .catch(reject);
    });
    await consumer.disconnect();
    // Nobody uses its name again: it may as well stay.
    await admin.deleteGroups([groupId]).catch(() => undefined);
  }
  return records.sort((a, b) => a.partition - b.partition || Number(a.offset - b.offset));
};

/** The last record of each key; keys whose last record is a tombstone are there, with a null value. */
export const lastRecords = async (brokers: readonly string[], topic: string): Promise<TopicView> =>
  new Map((await readTopic(brokers, topic)).map((record) => [record.key, record]));

const isText = (parts: readonly Buffer[]): boolean => {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for (const part of parts) decoder.decode(part);
    return true;
  } catch {
    return false;
  }
};

const text = (parts: readonly Buffer[]): ((bytes: Buffer) => string) => {
  const encoding = isText(parts) ? 'utf8' : 'base64';
  return (bytes) => bytes.toString(encoding);
};

const byBytes = (a: Buffer, b: Buffer): number => Buffer.compare(a, b);
const pairs = (flat: readonly Buffer[]): [Buffer, Buffer][] =>
  flat.flatMap((first, at) => (at % 2 === 0 ? [[first, flat[at + 1] ?? Buffer.alloc(0)] as [Buffer, Buffer]] : []));
const score = (bytes: Buffer): number | string => {
  const spelled = bytes.toString();
  return spelled === 'inf' || spelled === '-inf' ? spelled : Number(spelled);
};

interface RawGroup {
  readonly name: Buffer;
  readonly lastId: string;
}

const streamValue = async (redis: Redis, key: Buffer) => {
  const entries = (await redis.callBuffer('XRANGE', key, '-', '+')) as [Buffer, Buffer[]][];
  const info = pairs((await redis.callBuffer('XINFO', 'STREAM', key)) as Buffer[]);
  const groupInfo = (await redis.callBuffer('XINFO', 'GROUPS', key)) as Buffer[][];
  const find = (fields: [Buffer, Buffer][], name: string): Buffer =>
    fields.find(([field]) => field.toString() === name)?.[1] ?? Buffer.alloc(0);
  const groups: RawGroup[] = groupInfo.map((flat) => ({
    name: find(pairs(flat), 'name'),
    lastId: find(pairs(flat), 'last-delivered-id').toString(),
  }));
  const show = text([...entries.flatMap(([, fields]) => fields), ...groups.map(({ name }) => name)]);
  return {
    parts: [...entries.flatMap(([, fields]) => fields), ...groups.map(({ name }) => name)],
    value: {
      lastId: find(info, 'last-generated-id').toString(),
      entries: entries.map(([id, fields]) => [id.toString(), fields.map(show)]),
      groups: groups.sort((a, b) => byBytes(a.name, b.name)).map(({ name, lastId }) => ({ name: show(name), lastId })),
    },
  };
};

interface ShownValue {
  /** All byte strings in it. */
  readonly parts: Buffer[];
  readonly value: unknown;
  readonly fieldExpireAt?: Readonly<Record<string, number>>;
}

const hashValue = async (redis: Redis, key: Buffer): Promise<ShownValue> => {
  const flat = (await redis.callBuffer('HGETALL', key)) as Buffer[];
  const show = text(flat);
  const fields = pairs(flat);
  const expiries = await fieldExpiriesOf(
    redis,
    key,
    fields.map(([field]) => field),
  );
  return {
    parts: flat,
    value: Object.fromEntries(fields.map(([field, each]) => [show(field), show(each)])),
    ...(expiries.size === 0
      ? {}
      : { fieldExpireAt: Object.fromEntries([...expiries].map(([field, at]) => [show(field), at])) }),
  };
};

const valueOf = async (redis: Redis, key: Buffer, type: string): Promise<ShownValue> => {
  switch (type) {
    case 'string': {
      const value = (await redis.getBuffer(key)) ?? Buffer.alloc(0);
      return { parts: [value], value: text([value])(value) };
    }
    case 'hash':
      return hashValue(redis, key);
    case 'list': {
      const items = await redis.lrangeBuffer(key, 0, -1);
      return { parts: items, value: items.map(text(items)) };
    }
    case 'set': {
      const members = (await redis.smembersBuffer(key)).sort(byBytes);
      return { parts: members, value: members.map(text(members)) };
    }
    case 'zset': {
      const flat = (await redis.callBuffer('ZRANGE', key, 0, -1, 'WITHSCORES')) as Buffer[];
      const members = flat.filter((_, at) => at % 2 === 0);
      const show = text(members);
      return { parts: members, value: pairs(flat).map(([member, each]) => [show(member), score(each)]) };
    }
    case 'stream':
      return streamValue(redis, key);
    default:
      throw new Error(`the independent reader does not know type ${type}`);
  }
};

/** A key as the record contract (format json) writes it; undefined where it is gone. */
export const expectedRecord = async (redis: Redis, key: Buffer): Promise<unknown> => {
  const type = await redis.type(key);
  if (type === 'none') return undefined;
  const { parts, ...shown } = await valueOf(redis, key, type);
  const expireAt = await expiryOf(redis, key);
  if (expireAt === -2) return undefined;
  return { type, ...(isText(parts) ? {} : { encoding: 'base64' }), ...shown, ...(expireAt > 0 ? { expireAt } : {}) };
};

const show = (key: string): string => JSON.stringify(key).slice(0, 80);

/**
 * Where the topic's last records differ from what Redis holds; empty: it has converged (format json).
 * @param redis connected to the database that the topic mirrors; of a cluster, one to each master.
 */
export const divergence = async (
  redis: Redis | readonly Redis[],
  brokers: readonly string[],
  topic: string,
): Promise<readonly string[]> => {
  const records = await lastRecords(brokers, topic);
  const differences: string[] = [];
  const alive = new Set<string>();
  for (const server of [redis].flat()) await compareKeys(server, { records, alive, differences });
  for (const [name, { value }] of records) {
    if (value !== null && !alive.has(name)) differences.push(`${show(name)}: on the topic, and gone in Redis`);
  }
  return differences;
};

const compareKeys = async (
  redis: Redis,
  found: { readonly records: TopicView; readonly alive: Set<string>; readonly differences: string[] },
): Promise<void> => {
  const { records, alive, differences } = found;
  let cursor = '0';
  do {
    const [next, keys] = (await redis.callBuffer('SCAN', cursor, 'COUNT', 1000)) as [Buffer, Buffer[]];
    cursor = next.toString();
    for (const key of keys) {
      const name = key.toString('latin1');
      if (name.startsWith('__keyferry__:') || alive.has(name)) continue;
      const expected = await expectedRecord(redis, key);
      if (expected === undefined) continue;
      alive.add(name);
      const value = records.get(name)?.value;
      const standing: unknown = value == null ? value : JSON.parse(value.toString());
      if (!isDeepStrictEqual(standing, expected)) {
        const detail = `topic ${inspect(standing).slice(0, 200)}, Redis ${inspect(expected).slice(0, 200)}`;
        differences.push(`${show(name)}: ${standing === undefined ? 'missing on the topic' : detail}`);
      }
    }
  } while (cursor !== '0');
};
