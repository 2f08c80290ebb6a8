import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { stackProvider } from '../support/provider.ts';
import { kafkaAnswers, redisAnswers } from '../support/readiness.ts';
import type { RedisServer } from '../support/stack.ts';

const open: Redis[] = [];
afterEach(() => {
  for (const redis of open.splice(0)) redis.disconnect();
});

const connect = ({ url }: RedisServer): Redis => {
  const redis = new Redis(url);
  redis.on('error', () => undefined);
  open.push(redis);
  return redis;
};

const startRedis = async (...args: string[]): Promise<RedisServer> => (await stackProvider()).startRedis({ args });

describe('a Redis of the stack', () => {
  test('starts again where it was after a kill, with what it had saved', async () => {
    const [memory, disk] = await Promise.all([startRedis(), startRedis('--appendonly', 'yes')]);
    for (const server of [memory, disk]) {
      await connect(server).set('key', 'value');
      await server.kill();
      expect(await redisAnswers(server.host, server.port)).toBe(false);
      await server.start();
    }
    expect(await connect(memory).get('key')).toBeNull();
    expect(await connect(disk).get('key')).toBe('value');
  });

  test('saves when it is stopped', async () => {
    const server = await startRedis('--save', '3600 1');
    await connect(server).set('key', 'value');
    await server.stop();
    await server.start();
    expect(await connect(server).get('key')).toBe('value');
  });

  test('answers nothing while it is frozen', async () => {
    const server = await startRedis();
    await server.freeze();
    expect(await redisAnswers(server.host, server.port)).toBe(false);
    await server.thaw();
    await eventually(() => redisAnswers(server.host, server.port), { what: 'an answer' });
  });

  test('says why it does not start', async () => {
    await expect(startRedis('--no-such-setting', 'yes')).rejects.toThrow(/no-such-setting/);
  });
});

test('a Kafka of the stack starts again where it was after a kill', async () => {
  const kafka = await (await stackProvider()).startKafka();
  const [host = '', port = ''] = kafka.brokers[0]?.split(':') ?? [];
  await kafka.kill();
  expect(await kafkaAnswers(host, Number(port))).toBe(false);
  await kafka.start();
  await eventually(() => kafkaAnswers(host, Number(port)), { what: 'an answer' });
});

test('servers end with the process that started them, even when it is killed', async () => {
  const script = new URL('../support/start-redis.ts', import.meta.url);
  const child = spawn(process.execPath, [script.pathname], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  await eventually(() => redisAnswers('127.0.0.1', Number(line)), { what: 'an answer' });
  child.kill('SIGKILL');
  await eventually(async () => !(await redisAnswers('127.0.0.1', Number(line))), { what: 'the end of the server' });
});
