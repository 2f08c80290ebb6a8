import type { RedisClient, RedisConnection } from '../../clients/redis/port.ts';
import { isKeyferryError, messageOf } from '../../core/errors.ts';
import { RESERVED_PREFIX } from '../../core/key-name.ts';
import { missingFlags, readFlags } from '../../redis-to-kafka/feeds/notification-flags.ts';
import { type Check, type Finding, fail, failure, ok, warn } from './finding.ts';
import { type Denial, type Feature, denials } from './redis-permissions.ts';

/** A Redis that answers, and what the configuration does with it. */
export interface RedisContext {
  /** `redis 127.0.0.1:6379` */
  readonly subject: string;
  readonly client: RedisClient;
  readonly connection: RedisConnection;
  /** Databases that sources read. */
  readonly watched: readonly number[];
  /** Whether a source is to switch notifications on. */
  readonly manages: boolean;
  /** Databases that sinks write. */
  readonly written: readonly number[];
}

const version: Check<RedisContext> = {
  name: 'the version',
  run: async ({ subject, connection }) => {
    const info = await connection.call('INFO', 'server').catch(() => '');
    const [, found] = /(?:redis|valkey)_version:(\S+)/.exec(String(info)) ?? [];
    return [ok(subject, found === undefined ? 'answers' : `answers, version ${found}`)];
  },
};

const permissions: Check<RedisContext> = {
  name: 'permissions',
  run: async (context) => {
    const { subject, connection } = context;
    const user = await userName(connection);
    const findings: Finding[] = [];
    try {
      for (const feature of featuresOf(context)) {
        findings.push(...deniedFindings(subject, user, feature, await denials(connection, feature)));
      }
    } catch (error) {
      if (!isKeyferryError(error, 'KF_REDIS_PERMISSION')) throw error;
      const todo = `ACL SETUSER ${user} +multi +discard`;
      return [warn(subject, 'does not let this user ask what it may do (MULTI, DISCARD)', todo)];
    }
    return findings.length > 0 ? findings : [ok(subject, `lets user ${user} run all that is needed`)];
  },
};

const featuresOf = ({ watched, written, manages }: RedisContext): readonly Feature[] => [
  'a connection',
  'the id of this Redis',
  ...(watched.length > 0
    ? (['reading keys', 'reading large keys', 'finding all keys', 'noticing a replaced dataset'] as const)
    : []),
  ...(written.length > 0 ? (['writing keys'] as const) : []),
  ...(manages ? (['switching notifications on'] as const) : []),
];

const deniedFindings = (
  subject: string,
  user: string,
  feature: Feature,
  denied: readonly Denial[],
): readonly Finding[] => {
  const commands = denied.filter(({ onKeys }) => !onKeys).map(({ command }) => command);
  const findings: Finding[] = [];
  if (commands.length > 0) {
    const rules = commands.map((command) => `+${command}`).join(' ');
    findings.push(
      fail(subject, `denies ${commands.join(', ')}, needed for ${feature}`, `ACL SETUSER ${user} ${rules}`),
    );
  }
  if (denied.some(({ onKeys }) => onKeys)) {
    const todo = `ACL SETUSER ${user} ~${RESERVED_PREFIX}*, beside the keys that are to be carried`;
    findings.push(fail(subject, `denies the keys ${RESERVED_PREFIX}*, needed for ${feature}`, todo));
  }
  return findings;
};

const userName = async (connection: RedisConnection): Promise<string> =>
  String(await connection.call('ACL', 'WHOAMI').catch(() => 'USER'));

const subscriptions: Check<RedisContext> = {
  name: 'subscriptions',
  run: async ({ subject, client, connection, watched }) => {
    if (watched.length === 0) return [];
    const user = await userName(connection);
    const patterns = watched.map((db) => `__keyevent@${db}__:*`);
    try {
      const subscription = await client.subscribe(patterns, { onMessage: () => undefined, onFlush: () => undefined });
      subscription.close();
      if (subscription.flushWatch) return [];
      const what = 'denies CLIENT TRACKING or SUBSCRIBE, so that FLUSHALL is noticed by the next reconcile only';
      return [warn(subject, what, `ACL SETUSER ${user} +client|tracking +subscribe &__redis__:invalidate`)];
    } catch (error) {
      if (!isKeyferryError(error, 'KF_REDIS_PERMISSION')) throw error;
      const channels = patterns.map((pattern) => `&${pattern}`).join(' ');
      return [fail(subject, messageOf(error), `ACL SETUSER ${user} +psubscribe ${channels}`)];
    }
  },
};

const notifications: Check<RedisContext> = {
  name: 'notifications',
  run: async ({ subject, connection, watched, manages }) => {
    if (watched.length === 0) return [];
    let flags: string;
    try {
      flags = await readFlags(connection);
    } catch {
      const what = 'does not tell whether notifications are on (CONFIG GET)';
      if (!manages) return [warn(subject, what, 'have somebody look who may; the canary tells while Keyferry runs')];
      return [fail(subject, what, 'allow CONFIG GET, or set them elsewhere and write `notifications: require`')];
    }
    const missing = missingFlags(flags);
    if (missing === '') return [ok(subject, 'sends key-event notifications')];
    const what = `sends no key-event notifications: notify-keyspace-events is "${flags}"`;
    const todo = `CONFIG SET notify-keyspace-events ${flags}${missing}, and in redis.conf`;
    if (!manages) return [fail(subject, what, todo)];
    const denied = await denials(connection, 'switching notifications on');
    return denied.length === 0 ? [ok(subject, `${what}; run adds ${missing}`)] : [fail(subject, what, todo)];
  },
};

/** Pipelined writers reach 32 MB, Redis' own default, before a subscriber has read it. */
const ADVISED_BUFFER_BYTES = 268_435_456;
const HOPELESS_BUFFER_BYTES = 1_048_576;

/** @param setting `normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60` */
export const bufferFindings = (subject: string, setting: string): readonly Finding[] => {
  const [, hard, soft] = /\bpubsub (\d+) (\d+) \d+/.exec(setting) ?? [];
  if (hard === undefined || soft === undefined) return [];
  const bytes = Math.min(...[hard, soft].map(Number).map((limit) => (limit === 0 ? Infinity : limit)));
  const what = `cuts a subscriber off at ${hard} bytes unread, or ${soft} for a while; each time is a gap and a reconcile`;
  const advice = `${ADVISED_BUFFER_BYTES} ${ADVISED_BUFFER_BYTES / 2} 60`;
  const todo = `CONFIG SET client-output-buffer-limit "pubsub ${advice}", and in redis.conf`;
  if (bytes < HOPELESS_BUFFER_BYTES) return [fail(subject, what, todo)];
  return bytes < ADVISED_BUFFER_BYTES / 2 ? [warn(subject, what, todo)] : [];
};

const outputBuffer: Check<RedisContext> = {
  name: 'the output buffer',
  run: async ({ subject, connection, watched }) => {
    if (watched.length === 0) return [];
    const reply = await connection.call('CONFIG', 'GET', 'client-output-buffer-limit').catch(() => undefined);
    return Array.isArray(reply) ? bufferFindings(subject, String(reply[1])) : [];
  },
};

const databases: Check<RedisContext> = {
  name: 'databases',
  run: async ({ subject, connection, watched, written }) => {
    const used = [...new Set([...watched, ...written])];
    const replies = await connection.pipeline(used.map((db) => ['SELECT', db]));
    const todo = 'raise `databases` in redis.conf, or name another one in the configuration';
    return replies.flatMap((reply, at) =>
      reply instanceof Error ? [failure(`${subject} database ${used[at] ?? ''}`, reply, todo)] : [],
    );
  },
};

export const REDIS_CHECKS: readonly Check<RedisContext>[] = [
  version,
  databases,
  permissions,
  subscriptions,
  notifications,
  outputBuffer,
];
