import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ensureOrigin } from '../../src/clients/redis/origin.ts';
import { lacksOf, readCapabilities } from '../../src/clients/redis/capabilities.ts';
import { connectRedis } from '../../src/clients/redis/connect.ts';
import { stackProvider } from '../support/provider.ts';
import type { RedisServer } from '../support/stack.ts';
import { checked, checkedConfig, createTopic, problems, publishAs, uniqueTopic } from './check-fixture.ts';

const ENOUGH = 'pubsub 268435456 134217728 60';
const COMPACTED = { 'cleanup.policy': 'compact' };

let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await (await stackProvider()).startRedis();
  redis = new Redis(server.port, server.host);
});

afterAll(async () => {
  redis.disconnect();
  await server.kill();
});

beforeEach(async () => {
  await redis.flushall();
  await redis.config('SET', 'notify-keyspace-events', 'EA');
  await redis.config('SET', 'client-output-buffer-limit', ENOUGH);
});

/** The URL of a user of its own with these rules, beside what every connection needs. */
const user = async (...rules: readonly string[]): Promise<string> => {
  await redis.call('ACL', 'SETUSER', 'ferry', 'reset', 'on', '>geheim', ...rules);
  return `redis://ferry:geheim@${server.host}:${server.port}`;
};

/** Before Redis 7 a subcommand cannot be taken away from who may run its container. */
const deniesSubcommands = async (): Promise<boolean> => {
  const [info] = (await redis.call('COMMAND', 'INFO', 'EVAL_RO')) as unknown[];
  return info !== null;
};
const BEFORE_7 = 'before Redis 7 no subcommand can be denied';

describe('check on a healthy Redis', () => {
  it('finds everything fine, says that the topic will be created, changes nothing, and ends with 0', async () => {
    const config = checkedConfig(server.url);
    const { status, lines } = await checked(config);
    expect(status).toBe(0);
    expect(problems({ lines })).toEqual([]);
    expect(lines).toContainEqual(expect.stringMatching(/^ok .* is missing; run creates it, compacted, 2 partitions$/));
    expect(lines.at(-1)).toBe('0 failed, 0 to look at');
    expect(await redis.dbsize()).toBe(0);
    expect((await checked(config)).lines).toEqual(lines);
  });

  it('says what the server is, and what it lacks', async () => {
    const connection = connectRedis({ url: server.url, name: 'test' }).connect({ db: 0, name: 'test' });
    await connection.ready();
    const capabilities = await readCapabilities(connection);
    await connection.close();
    const { lines } = await checked(checkedConfig(server.url));
    const told = (what: string) => expect.stringMatching(new RegExp(`^ok .*  ${what}`)) as unknown;
    expect(lines).toContainEqual(told(`answers: ${capabilities.server} ${capabilities.version}$`));
    const lacking = lines.flatMap((line) => /^ok .* {2}lacks (.*)$/.exec(line)?.[1] ?? []);
    expect(lacking).toEqual(lacksOf(capabilities));
  });

  it('warns of an output buffer that pipelined writers overflow', async () => {
    await redis.config('SET', 'client-output-buffer-limit', 'pubsub 33554432 8388608 60');
    const result = await checked(checkedConfig(server.url));
    expect(result.status).toBe(0);
    expect(problems(result)).toEqual([expect.stringMatching(/^warn .* at 33554432 bytes .* -> CONFIG SET client-out/)]);
  });

  it('names a database that the server does not have', async () => {
    const result = await checked(checkedConfig(server.url, { sources: [{ databases: [0, 99], topic: 'x.{db}' }] }));
    expect(result.status).toBe(1);
    expect(problems(result)).toEqual([expect.stringMatching(/database 99 .*out of range .*raise `databases`/)]);
  });
});

describe('check of notifications that are off', () => {
  beforeEach(() => redis.config('SET', 'notify-keyspace-events', 'Kg'));

  it('fails where they are required, with the setting that helps', async () => {
    const result = await checked(checkedConfig(server.url));
    expect(result.status).toBe(1);
    expect(problems(result)).toEqual([
      expect.stringMatching(/events is "gK" {2}-> CONFIG SET notify-keyspace-events gKEA, and in redis\.conf$/),
    ]);
  });

  it('is content where the daemon will switch them on, and leaves that to it', async () => {
    const result = await checked(checkedConfig(server.url, { sources: [{ notifications: 'manage' }] }));
    expect([result.status, problems(result)]).toEqual([0, []]);
    expect(await redis.config('GET', 'notify-keyspace-events')).toEqual(['notify-keyspace-events', 'gK']);
  });

  it('fails where the daemon is to switch them on and may not', async ({ skip }) => {
    skip(!(await deniesSubcommands()), BEFORE_7);
    const url = await user('~*', '&*', '+@all', '-config|set');
    const result = await checked(checkedConfig(url, { sources: [{ notifications: 'manage' }] }));
    expect(result.status).toBe(1);
    expect(problems(result)).toEqual([
      expect.stringMatching(/denies config\|set, needed for switching notifications on .*\+config\|set$/),
      expect.stringMatching(/^FAIL .* sends no key-event notifications/),
    ]);
  });

  it('only says that it cannot be told where CONFIG is forbidden', async () => {
    const result = await checked(checkedConfig(await user('~*', '&*', '+@all', '-config')));
    expect(result.status).toBe(0);
    expect(problems(result)).toEqual([expect.stringMatching(/^warn .* does not tell whether notifications are on/)]);
  });
});

describe('check of permissions', () => {
  it('names every command that is denied, by what it is needed for', async ({ skip }) => {
    skip(!(await deniesSubcommands()), BEFORE_7);
    const url = await user('~*', '&*', '+@all', '-dump', '-xinfo|groups', '-scan', '-exec');
    const result = await checked(checkedConfig(url));
    expect(result.status).toBe(1);
    expect(problems(result)).toEqual([
      expect.stringMatching(/denies xinfo\|groups, dump, needed for reading keys .* ferry \+xinfo\|groups \+dump$/),
      expect.stringMatching(/denies exec, needed for reading large keys/),
      expect.stringMatching(/denies scan, needed for finding all keys/),
    ]);
  });

  it('asks of a sink that it may write, and of a source that it may not', async () => {
    const url = await user('~*', '&*', '+@all', '-restore');
    expect((await checked(checkedConfig(url))).status).toBe(0);
    const result = await checked(checkedConfig(url, { sinks: [{}] }));
    expect(problems(result)).toEqual([expect.stringMatching(/denies restore, needed for writing keys/)]);
  });

  it('names the keys of our own where only others are allowed', async () => {
    const result = await checked(checkedConfig(await user('~user:*', '&*', '+@all')));
    expect(problems(result)).toContainEqual(
      expect.stringMatching(/denies the keys __keyferry__:\*.* ~__keyferry__:\*/),
    );
  });

  it('names channels that are denied', async () => {
    const result = await checked(checkedConfig(await user('~*', 'resetchannels', '+@all')));
    expect(result.status).toBe(1);
    expect(problems(result)).toContainEqual(
      expect.stringMatching(/-> ACL SETUSER ferry \+psubscribe &__keyevent@0__:\*$/),
    );
  });

  it('warns where nobody will tell of a FLUSHALL', async ({ skip }) => {
    skip(!(await deniesSubcommands()), BEFORE_7);
    const result = await checked(checkedConfig(await user('~*', '&*', '+@all', '-client|tracking')));
    expect(result.status).toBe(0);
    expect(problems(result)).toEqual([
      expect.stringMatching(/^warn .* FLUSHALL is noticed by the next reconcile only/),
    ]);
  });

  it('writes nothing, even where it asks for writes', async () => {
    await redis.set('__keyferry__:check', 'kept');
    await checked(checkedConfig(server.url, { sources: [{ notifications: 'manage' }], sinks: [{}] }));
    expect(await redis.get('__keyferry__:check')).toBe('kept');
    expect(await redis.dbsize()).toBe(1);
  });
});

describe('check of what is out of reach', () => {
  it('ends with 3 for a wrong password, and tells of Kafka all the same', async () => {
    await user('~*', '+@all');
    const result = await checked(checkedConfig(`redis://ferry:falsch@${server.host}:${server.port}`));
    expect(result.status).toBe(3);
    expect(problems(result)).toEqual([expect.stringMatching(/WRONGPASS.* -> correct the user or password/)]);
    expect(result.lines).toContainEqual(expect.stringMatching(/^ok {4}kafka .* answers$/));
    expect(result.lines.join()).not.toContain('falsch');
  });

  it('ends with 3 for a Redis and a Kafka that nobody answers for, and names both', async () => {
    const config = checkedConfig('redis://127.0.0.1:1');
    const result = await checked({ ...config, kafka: { ...config.kafka, brokers: ['127.0.0.1:2'] } });
    expect(result.status).toBe(3);
    expect(problems(result)).toEqual([
      expect.stringMatching(/^FAIL {2}redis 127\.0\.0\.1:1 .*ECONNREFUSED.* -> check the address/),
      expect.stringMatching(/^FAIL {2}kafka 127\.0\.0\.1:2 .*ECONNREFUSED.* -> check the address/),
    ]);
  });

  it('does not take the records of a Redis that is away for those of another one', async () => {
    const topic = uniqueTopic();
    await createTopic(topic, COMPACTED);
    await publishAs('an-id', topic);
    const config = (url: string) => checkedConfig(url, { sources: [{ topic }] });
    expect(problems(await checked(config('redis://127.0.0.1:1')))).toEqual([
      expect.stringMatching(/^FAIL {2}redis 127\.0\.0\.1:1 /),
    ]);
    expect(problems(await checked(config(server.url)))).toEqual([expect.stringMatching(/another origin \(an-id\)/)]);
  });

  it("finds the sink's own Redis missing while the source's is there", async () => {
    const config = checkedConfig(server.url, { sinks: [{ redis: { url: 'redis://127.0.0.1:1/3' } }] });
    expect(problems(await checked(config))).toEqual([expect.stringMatching(/^FAIL {2}redis 127\.0\.0\.1:1 /)]);
  });
});

describe('check of topics', () => {
  it('fails for one that is not compacted, and warns of other partitions and too small a record limit', async () => {
    const topic = uniqueTopic();
    await createTopic(topic, { 'max.message.bytes': '50000' }, 3);
    const result = await checked(checkedConfig(server.url, { sources: [{ topic }] }));
    expect(result.status).toBe(1);
    expect(problems(result)).toEqual([
      expect.stringMatching(/^FAIL .* is not compacted \(cleanup\.policy=delete\)/),
      expect.stringMatching(/^warn .* has 3 partitions, where source all says 2/),
      expect.stringMatching(/^warn .* takes records up to 50000 bytes/),
    ]);
  });

  it('fails for one that two sources write, be it by name or by template', async () => {
    const topic = uniqueTopic();
    await createTopic(topic, COMPACTED);
    const sources = [
      { name: 'a', topic },
      { name: 'b', databases: [1], topic: topic.replace(/^check/, '{type}') },
    ];
    const result = await checked(checkedConfig(server.url, { sources }));
    expect(problems(result)).toEqual([expect.stringMatching(/is written by a \(database 0\) and b \(database 1\)/)]);
  });

  it('fails for one that a sink reads and nobody writes', async () => {
    const result = await checked(checkedConfig(server.url, { sinks: [{ topics: ['check-nowhere'] }] }));
    expect(problems(result)).toEqual([
      expect.stringMatching(/^FAIL {2}topic check-nowhere {2}is missing, which sink copy/),
    ]);
  });

  it("fails for records of another Redis, warns once this Redis' own are newer, and is content with those alone", async () => {
    const topic = uniqueTopic();
    await createTopic(topic, COMPACTED);
    const config = checkedConfig(server.url, { sources: [{ topic }] });
    const connection = connectRedis({ url: server.url, name: 'test' }).connect({ db: 0, name: 'test' });
    await connection.ready();
    const own = await ensureOrigin(connection, () => 'own-id');
    await connection.close();

    await publishAs(own, topic);
    expect(problems(await checked(config))).toEqual([]);
    await publishAs('other-id', topic);
    expect(problems(await checked(config))).toEqual([expect.stringMatching(/^FAIL .*another origin \(other-id\)/)]);
    await publishAs(own, topic);
    expect(problems(await checked(config))).toEqual([expect.stringMatching(/^warn .*another origin \(other-id\)/)]);
  });

  it('fails for records of another database of this Redis, which another daemon mirrors', async () => {
    const topic = uniqueTopic();
    await createTopic(topic, COMPACTED);
    const connection = connectRedis({ url: server.url, name: 'test' }).connect({ db: 0, name: 'test' });
    await connection.ready();
    const own = await ensureOrigin(connection, () => 'own-id');
    await connection.close();

    await publishAs(own, topic, 1);
    const config = (databases: readonly number[]) => checkedConfig(server.url, { sources: [{ topic, databases }] });
    expect(problems(await checked(config([0])))).toEqual([
      expect.stringMatching(/^FAIL .*another origin \(database 1 of this Redis\)/),
    ]);
    expect(problems(await checked(config([1])))).toEqual([]);
  });
});
