import { Redis } from 'ioredis';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { messageOf } from '../../src/core/errors.ts';
import { RESERVED_PREFIX } from '../../src/core/key-name.ts';

/** Of every key that the demo writes: on someone's own Redis it touches no other. */
export const PREFIX = 'keyferry-demo:';
/** Of the demo's source: its canary is named after it. */
export const SOURCE = 'demo';
const COPY_DATABASE = 1;
const FLAGS = 'notify-keyspace-events';
const ORIGIN = `${RESERVED_PREFIX}origin`;
const TIMEOUT_MS = 5_000;

export interface RedisDatabase {
  readonly url: string;
  readonly db: number;
}

export interface GivenRedis {
  readonly source: RedisDatabase;
  readonly copy: RedisDatabase;
  /** Takes away what the demo left there. */
  restore(): Promise<void>;
}

/**
 * The database of somebody's own Redis that KEYFERRY_REDIS_URL names, and another one for the copy.
 * @throws where nobody answers there, saying why
 */
export const givenRedis = async (url: string): Promise<GivenRedis> => {
  const db = Number(new URL(url).pathname.slice(1));
  const source = databaseOf(url, db);
  const copy = databaseOf(url, db === COPY_DATABASE ? 0 : COPY_DATABASE);
  const redis = await open(databaseOf(url, 0));
  // Some servers forbid CONFIG: then the daemon says what it thinks of that.
  const flags = await redis.config('GET', FLAGS).catch(() => undefined);
  const hasOrigin = (await redis.exists(ORIGIN)) === 1;
  redis.disconnect();
  const restore = async (): Promise<void> => {
    await deleteKeys(copy);
    await deleteKeys(source, `${RESERVED_PREFIX}canary:${SOURCE}`);
    const own = await open(databaseOf(url, 0));
    if (!hasOrigin) await own.unlink(ORIGIN);
    if (Array.isArray(flags)) await own.config('SET', FLAGS, String(flags[1]));
    own.disconnect();
  };
  return { source, copy, restore };
};

/** The client takes the database of the URL, whatever else it is told. */
const databaseOf = (url: string, db: number): RedisDatabase => {
  const named = new URL(url);
  named.pathname = `/${db}`;
  return { url: named.href, db };
};

const open = async ({ url }: RedisDatabase): Promise<Redis> => {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null, connectTimeout: TIMEOUT_MS });
  let reason: unknown;
  redis.on('error', (error) => (reason = error));
  try {
    await redis.connect();
    await redis.ping();
    return redis;
  } catch (error) {
    redis.disconnect();
    throw new Error(
      `KEYFERRY_REDIS_URL: the Redis at ${new URL(url).host} does not answer: ${messageOf(reason ?? error)}`,
      { cause: error },
    );
  }
};

const deleteKeys = async (database: RedisDatabase, ...others: readonly string[]): Promise<void> => {
  const redis = await open(database);
  for await (const keys of redis.scanBufferStream({ match: `${PREFIX}*` }) as AsyncIterable<Buffer[]>) {
    if (keys.length > 0) await redis.unlink(...keys);
  }
  if (others.length > 0) await redis.unlink(...others);
  redis.disconnect();
};

/** @throws where none of the brokers that KEYFERRY_KAFKA_BROKERS names answers, saying why */
export const tryBrokers = (brokers: readonly string[]): Promise<void> =>
  withAdmin(brokers, async (admin) => {
    await admin.listTopics();
  });

/** It may not have come to a topic, or to a group. */
export const deleteTopic = (brokers: readonly string[], name: string): Promise<void> =>
  withAdmin(brokers, async (admin) => {
    if ((await admin.listTopics()).includes(name)) await admin.deleteTopics({ topics: [name] });
    const { groups } = await admin.listGroups();
    if (groups.some(({ groupId }) => groupId === name)) await admin.deleteGroups([name]);
  });

const withAdmin = async (brokers: readonly string[], action: (admin: Admin) => Promise<void>): Promise<void> => {
  const admin = new Kafka({
    brokers: [...brokers],
    clientId: 'keyferry-demo',
    logLevel: logLevel.NOTHING,
    connectionTimeout: TIMEOUT_MS,
    retry: { retries: 2 },
  }).admin();
  try {
    await admin.connect();
    await action(admin);
  } catch (error) {
    throw new Error(`KEYFERRY_KAFKA_BROKERS: no Kafka answers at ${brokers.join(', ')}: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    await admin.disconnect();
  }
};
