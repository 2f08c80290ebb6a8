import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { connect, newTopic, produce, record, uniqueName } from '../contract/kafka-fixture.ts';
import { Daemon } from '../support/daemon.ts';
import { grantsIn } from '../support/documented-acls.ts';
import { eventually } from '../support/eventually.ts';
import { divergence, lastRecords } from '../support/independent-reader.ts';
import { allow } from '../support/kafka-acls.ts';
import { stackProvider } from '../support/provider.ts';
import { type SecuredKafka, startSecuredKafka } from '../support/secured-kafka.ts';
import type { RedisServer } from '../support/stack.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

/** Each feature of the program with exactly the permissions that docs/kafka-security.md lists for it, and no other. */
describe('with the documented permissions and no others', () => {
  let kafka: SecuredKafka;
  let server: RedisServer;
  let redis: Redis;

  beforeAll(async () => {
    const provider = await stackProvider();
    [kafka, server] = await Promise.all([startSecuredKafka(), provider.startRedis()]);
    redis = new Redis(server.url);
  });
  afterAll(async () => {
    redis.disconnect();
    await kafka.stop();
  });

  /** SASL over TLS, as one of the users; passwords come from a file. */
  const kafkaAs = (username: string, client = 'platformatic'): object => {
    const passwordFile = kafka.path(`password-of-${username}`);
    writeFileSync(passwordFile, `${username}-secret\n`);
    return {
      brokers: [...kafka.brokers.SASL],
      client,
      tls: { enabled: true, caFile: kafka.authority.caFile },
      sasl: { mechanism: 'scram-sha-512', username, passwordFile },
    };
  };

  const cli = async (command: string, config: object): Promise<{ status: number; output: string }> => {
    const file = kafka.path(`${uniqueName(command)}.yaml`);
    writeFileSync(file, stringify({ redis: { url: server.url }, ...config }));
    const child = spawn(process.execPath, [MAIN, command, '--config', file], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
    const [status] = (await once(child, 'close')) as [number];
    return { status, output };
  };

  const withDaemon = async (config: object, use: (daemon: Daemon) => Promise<void>): Promise<void> => {
    const daemon = await Daemon.create({ redis: { url: server.url }, ...config });
    try {
      await daemon.start();
      await use(daemon);
      expect(await daemon.stop()).toBe(0);
      expect(daemon.output).not.toContain('-secret');
    } finally {
      await daemon.dispose();
    }
  };

  // kafkajs comes last: what it is granted on groups stays.
  it.each([
    ['platformatic', []],
    ['kafkajs', ['Read, Delete on groups that begin with keyferry-reader-']],
  ])(
    'a source of keys creates its topic and mirrors; verify and check find nothing wrong: %s',
    async (client, more) => {
      const topic = uniqueName('mirror');
      const sources = [{ name: 'all', topic, partitions: 2 }];
      await redis.mset({ a: '1', b: '2' });
      await allow(kafka.brokers.PLAIN, 'source', [...grantsIn('A keyspace source', { topic }), ...more]);
      await withDaemon({ kafka: kafkaAs('source', client), sources }, async (daemon) => {
        await daemon.settled();
        await redis.del('b');
        await daemon.settled();
        await eventually(async () => (await divergence(redis, kafka.brokers.PLAIN, topic)).length === 0);
        await daemon.kill();
        await daemon.loseState();
        await daemon.start();
        await daemon.settled();
      });
      await allow(kafka.brokers.PLAIN, 'reader', [
        ...grantsIn('`verify`', { topic }),
        ...more.map((grant) => grant.replace('keyferry-', 'keyferry-verify-')),
      ]);
      expect(await cli('verify', { kafka: kafkaAs('reader', client), sources })).toMatchObject({
        status: 0,
        output: expect.stringContaining('1 keys in Redis, 1 on the topic') as string,
      });
      await allow(kafka.brokers.PLAIN, 'checker', [...grantsIn('`check`', { topic }), ...more]);
      const checked = await cli('check', { kafka: kafkaAs('checker', client), sources });
      expect(checked.output).toMatch(/^0 failed/m);
      expect(checked.status).toBe(0);
    },
  );

  it('a stream source creates its topics and carries', async () => {
    const [topic, deadLetter] = [uniqueName('events'), uniqueName('letters')];
    await redis.xadd('orders', '*', 'customer', 'ada');
    await allow(kafka.brokers.PLAIN, 'nobody', grantsIn('A stream or list source', { topic, deadLetter }));
    const sources = [{ name: 'orders', type: 'stream', keys: ['orders'], topic, deadLetter }];
    await withDaemon({ kafka: kafkaAs('nobody'), sources }, async () => {
      await eventually(async () => (await lastRecords(kafka.brokers.PLAIN, topic)).size === 1, { what: 'the entry' });
    });
  });

  it('a sink reads its topic, applies it and sends poison to its dead letters', async () => {
    const setup = connect('platformatic', kafka.brokers.PLAIN);
    const [topic, deadLetter, group] = [await newTopic(setup), uniqueName('letters'), uniqueName('group')];
    await allow(kafka.brokers.PLAIN, 'sink', grantsIn('A sink', { topic, deadLetter, group }));
    await produce(setup, [record(topic, 'x', '{"n":1}'), record(topic, 'bad', 'no json')]);
    const sink = { name: 'plain', topics: [topic], group, format: 'json', as: 'string', key: 'sunk:{key}', deadLetter };
    await withDaemon({ kafka: kafkaAs('sink'), sinks: [sink] }, async () => {
      await eventually(async () => (await redis.get('sunk:x')) !== null, { what: 'the record' });
      await eventually(async () => (await lastRecords(kafka.brokers.PLAIN, deadLetter)).size === 1, {
        what: 'the letter',
      });
    });
  });

  it('check names a topic that is missing and may not be created, and a password that is wrong', async () => {
    const topic = uniqueName('missing');
    await allow(kafka.brokers.PLAIN, 'checker', [`Describe on topic ${topic}`]);
    const sources = [{ name: 'all', topic }];
    for (const client of ['platformatic', 'kafkajs']) {
      const denied = await cli('check', { kafka: kafkaAs('checker', client), sources });
      expect(denied.status).toBe(1);
      expect(denied.output).toMatch(
        /^FAIL {2}topic \S+ {2}is missing, and this user may not create it .*grant Create/m,
      );
    }
    const sasl = { mechanism: 'plain', username: 'checker', password: 'falsch' };
    const refused = await cli('check', { kafka: { ...kafkaAs('checker'), sasl }, sources });
    expect(refused.status).toBe(3);
    expect(refused.output).toMatch(/^FAIL {2}kafka .*log in as checker \(SASL PLAIN\): Authentication failed/m);
    expect(refused.output).not.toContain('falsch');
  });

  it('a source that may not write names the permission, and goes on once it is granted', async () => {
    const topic = uniqueName('denied');
    await allow(kafka.brokers.PLAIN, 'ferry-2', [`Describe, DescribeConfigs, Create, Read on topic ${topic}`]);
    await withDaemon({ kafka: kafkaAs('ferry-2'), sources: [{ name: 'all', topic }] }, async (daemon) => {
      const reasons = async (): Promise<string> => (await daemon.get('/readyz')).text();
      await eventually(async () => (await reasons()).includes(`grant Write on topic ${topic}`), { what: 'the reason' });
      await allow(kafka.brokers.PLAIN, 'ferry-2', [`Write on topic ${topic}`]);
      await daemon.settled();
      await eventually(async () => (await divergence(redis, kafka.brokers.PLAIN, topic)).length === 0);
    });
  });

  it('a sink that may not read ends, and names the permission', async () => {
    const topic = await newTopic(connect('platformatic', kafka.brokers.PLAIN));
    const group = uniqueName('group');
    await allow(kafka.brokers.PLAIN, 'nobody', [`Describe on topic ${topic}`, `Read on group ${group}`]);
    const ended = await cli('run', {
      kafka: kafkaAs('nobody'),
      sinks: [{ name: 'copy', topics: [topic], group }],
      http: { port: 0 },
      state: { path: kafka.path('state') },
    });
    expect(ended.status).toBe(1);
    expect(ended.output).toMatch(new RegExp(`KF_KAFKA_PERMISSION: .*grant .*Read on topic ${topic}`));
  });
});
