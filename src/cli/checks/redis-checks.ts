import { lacksOf, readCapabilities } from '../../clients/redis/capabilities.ts';
import type { RedisClient, RedisConnection } from '../../clients/redis/port.ts';
import { isKeyferryError, messageOf } from '../../core/errors.ts';
import { whyUnfit } from '../../redis-to-kafka/feeds/fit-server.ts';
import { missingFlags, readFlags } from '../../redis-to-kafka/feeds/notification-flags.ts';
import { type Check, type Finding, fail, failure, ok, warn } from './finding.ts';
import { SWITCHING, beforeRedis7 } from './keyspace-needs.ts';
import type { Need } from './redis-needs.ts';
import { type Denials, denials } from './redis-permissions.ts';

/** A Redis that answers, and what the configuration does with it. */
export interface RedisContext {
  /** `redis 127.0.0.1:6379` */
  readonly subject: string;
  /** Subscribes at this server. */
  readonly client: Pick<RedisClient, 'subscribe' | 'isCluster'>;
  readonly connection: RedisConnection;
  /** What the configuration asks of the user. */
  readonly needs: readonly Need[];
  /** Databases whose notifications are listened to. */
  readonly watched: readonly number[];
  /** Whether a source is to switch notifications on. */
  readonly manages: boolean;
  /** Databases that anything reads or writes. */
  readonly used: readonly number[];
}

const version: Check<RedisContext> = {
  name: 'the version',
  run: async ({ subject, connection }) => {
    const capabilities = await readCapabilities(connection);
    const { server, version: found } = capabilities;
    const lacks = lacksOf(capabilities).map((lack) => ok(subject, `lacks ${lack}`));
    return [ok(subject, found === '' ? 'answers' : `answers: ${server} ${found}`), ...lacks];
  },
};

/** A node of a cluster has only some of the keys, whatever we take it for; the other way round there are no slots. */
const mode: Check<RedisContext> = {
  name: 'the topology',
  run: async ({ subject, client, connection }) => {
    const info = String(await connection.call('INFO', 'cluster').catch(() => ''));
    const [, enabled] = /^cluster_enabled:([01])/m.exec(info) ?? [];
    if (enabled === undefined || (enabled === '1') === client.isCluster) return [];
    return client.isCluster
      ? [fail(subject, 'is no node of a cluster', 'write `topology: standalone`, or name nodes of the cluster')]
      : [fail(subject, 'is a node of a cluster', 'write `topology: cluster`, and its nodes under `nodes`')];
  },
};

const permissions: Check<RedisContext> = {
  name: 'permissions',
  run: async ({ subject, connection, needs }) => {
    const user = await userName(connection);
    const findings: Finding[] = [];
    try {
      const { expireTime } = await readCapabilities(connection);
      for (const need of expireTime ? needs : needs.map(beforeRedis7))
        findings.push(...deniedFindings(subject, user, need, await denials(connection, need)));
    } catch (error) {
      if (!isKeyferryError(error, 'KF_REDIS_PERMISSION')) throw error;
      const todo = `ACL SETUSER ${user} +multi +discard`;
      return [warn(subject, 'does not let this user ask what it may do (MULTI, DISCARD)', todo)];
    }
    return findings.length > 0 ? findings : [ok(subject, `lets user ${user} run all that is needed`)];
  },
};

const deniedFindings = (
  subject: string,
  user: string,
  { what, isOptional = false }: Need,
  { commands, keys }: Denials,
): readonly Finding[] => {
  const tell = isOptional ? warn : fail;
  const needed = isOptional ? 'wanted' : 'needed';
  const rules = (sign: string, names: readonly string[]): string =>
    `ACL SETUSER ${user} ${names.map((name) => `${sign}${name}`).join(' ')}`;
  const findings: Finding[] = [];
  if (commands.length > 0)
    findings.push(tell(subject, `denies ${commands.join(', ')}, ${needed} for ${what}`, rules('+', commands)));
  if (keys.length > 0)
    findings.push(tell(subject, `denies the keys ${keys.join(', ')}, ${needed} for ${what}`, rules('~', keys)));
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
    const unfit = whyUnfit(await readCapabilities(connection));
    if (unfit !== undefined) return [fail(subject, unfit, 'mirror a Redis or Valkey: nothing else makes up for it')];
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
    const denied = await denials(connection, SWITCHING);
    return denied.commands.length === 0 ? [ok(subject, `${what}; run adds ${missing}`)] : [fail(subject, what, todo)];
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
  run: async ({ subject, client, connection, used }) => {
    const replies = await connection.pipeline(used.map((db) => ['SELECT', db]));
    const todo = client.isCluster
      ? 'name database 0 in the configuration: a cluster has no other'
      : 'raise `databases` in redis.conf, or name another one in the configuration';
    return replies.flatMap((reply, at) =>
      reply instanceof Error ? [failure(`${subject} database ${used[at] ?? ''}`, reply, todo)] : [],
    );
  },
};

export const REDIS_CHECKS: readonly Check<RedisContext>[] = [
  version,
  mode,
  databases,
  permissions,
  subscriptions,
  notifications,
  outputBuffer,
];
