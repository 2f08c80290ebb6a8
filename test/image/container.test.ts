import { chmodSync } from 'node:fs';
import { dirname } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { createAuthority } from '../support/certificates.ts';
import { docker } from '../support/docker/docker.ts';
import { eventually } from '../support/eventually.ts';
import { divergence, lastRecords } from '../support/independent-reader.ts';
import { stackProvider } from '../support/provider.ts';
import type { RedisServer } from '../support/stack.ts';
import { Workload } from '../support/workload.ts';
import { Workplace } from '../support/workplace.ts';
import { Container } from './container.ts';

/** What the daemon promises, in seconds. */
const DRAIN_S = 25;

let workplace: Workplace;
let server: RedisServer;
let redis: Redis;
let topic: string;
beforeEach(async () => {
  workplace = new Workplace();
  server = await (await stackProvider()).startRedis();
  redis = new Redis(server.url);
  topic = `image-${crypto.randomUUID()}`;
});
afterEach(async () => {
  redis.disconnect();
  await workplace.close();
  await server.kill();
});

const mirror = (changes: object = {}): object => ({
  redis: { url: server.url },
  kafka: { brokers: [...inject('kafkaBrokers')] },
  sources: [{ name: 'all', topic }],
  ...changes,
});
const isReady = (container: Container) => (): Promise<boolean> => container.get('/readyz').then(({ ok }) => ok);
const equals = async (): Promise<boolean> => (await divergence(redis, inject('kafkaBrokers'), topic)).length === 0;

describe('a container of the image, read-only and without rights', () => {
  test('mirrors every key, and drains when it is stopped', async () => {
    const workload = new Workload(redis);
    await workload.run(300);
    const container = await Container.start(workplace, mirror());
    await container.is('ready', isReady(container));
    await workload.run(500);
    await redis.set('last', 'written just before the end');
    expect(await container.stop(DRAIN_S), await container.output()).toBe(0);
    // Nobody was left to publish it later: what the drain did is what the topic has.
    expect(String((await lastRecords(inject('kafkaBrokers'), topic)).get('last')?.value)).toContain(
      'just before the end',
    );
    expect(await container.output()).toContain('draining');
  });

  test('keeps its state on the volume, and finds it there again', async () => {
    const volume = `keyferry-test-${crypto.randomUUID()}`;
    const options = ['--volume', `${volume}:/var/lib/keyferry`];
    try {
      const first = await Container.start(workplace, mirror(), { options });
      await first.is('ready', isReady(first));
      await redis.mset('kept', 1, 'deleted', 1);
      await eventually(async () => (await lastRecords(inject('kafkaBrokers'), topic)).size === 2);
      await first.stop(DRAIN_S);
      await docker(['rm', first.id]);
      await redis.del('deleted');
      const second = await Container.start(workplace, mirror(), { options });
      await second.is('ready', isReady(second));
      await eventually(equals, { what: 'the topic to equal Redis' });
      expect((await lastRecords(inject('kafkaBrokers'), topic)).get('deleted')?.value).toBeNull();
      await second.stop(DRAIN_S);
      await docker(['rm', second.id]);
    } finally {
      await docker(['volume', 'rm', '--force', volume]);
    }
  });

  test('runs as any user, as OpenShift has it', async () => {
    const container = await Container.start(workplace, mirror(), { options: ['--user', '1000670000:0'] });
    await container.is('ready', isReady(container));
    await redis.set('key', 1);
    await eventually(equals, { what: 'the topic to equal Redis' });
    expect(await container.stop(DRAIN_S)).toBe(0);
  });

  test('has one process, which takes the signals', async () => {
    const container = await Container.start(workplace, mirror());
    await container.is('ready', isReady(container));
    await container.is('healthy', async () => (await container.health()) === 'healthy');
    await container.is('alone, with no zombie of a health check', async () => {
      const [, ...processes] = (await docker(['top', container.id, '-eo', 'pid,comm'])).split('\n');
      return processes.length === 1;
    });
    expect(await container.stop(DRAIN_S)).toBe(0);
  });

  test.each(['verify', 'check'])('ends at once when %s is stopped while it waits', async (command) => {
    await server.freeze();
    const options = ['--tmpfs', '/tmp'];
    const container = await Container.start(workplace, mirror(), { options, args: [command] });
    await container.is('started', async () => (await docker(['top', container.id])).includes('main.js'));
    // Had the kernel dropped the signal, as it does for a first process without a handler, this were SIGKILL's 137.
    await container.is('listening to signals', async () => {
      const caught = (await docker(['exec', container.id, 'node', '-p', SIGNALS_CAUGHT])).trim();
      return caught === 'true';
    });
    expect(await container.stop(DRAIN_S)).toBe(143);
    await server.thaw();
  });

  test('verify finds no difference between Redis and the topic', async () => {
    await new Workload(redis).run(300);
    const container = await Container.start(workplace, mirror());
    await container.is('ready', isReady(container));
    await eventually(equals, { what: 'the topic to equal Redis' });
    const verified = await Container.start(workplace, mirror(), { options: ['--tmpfs', '/tmp'], args: ['verify'] });
    expect(await docker(['wait', verified.id]), await verified.output()).toBe('0');
    expect(await container.stop(DRAIN_S)).toBe(0);
  });

  test('tells what is wrong with its configuration, and ends with status 2', async () => {
    const { status, stderr } = await Container.run(['--env', 'KEYFERRY_KAFKA_BROKERS=nowhere'], ['run']);
    expect(stderr).toContain('KF_CONFIG_INVALID');
    expect(stderr).toContain('nowhere');
    expect(status).toBe(2);
  });
});

/** Whether the first process has a handler for SIGTERM (bit 14 of the mask). */
const SIGNALS_CAUGHT = `Boolean(BigInt('0x' + /SigCgt:\\s*(\\w+)/.exec(require('node:fs').readFileSync('/proc/1/status', 'utf8'))[1]) & (1n << 14n))`;

describe('the health check', () => {
  const isHealthy = (container: Container) => async (): Promise<boolean> => (await container.health()) === 'healthy';

  /** The server's certificate, readable by the user of the container; with `clients`, those must show one too. */
  const tls = async (clients: boolean): Promise<{ config: object; options: readonly string[] }> => {
    const authority = await createAuthority(workplace.path('ca'));
    const { certFile, keyFile } = await authority.issue('server');
    for (const file of [certFile, keyFile, authority.caFile]) chmodSync(file, 0o644);
    const files = { certFile, keyFile, ...(clients ? { caFile: authority.caFile } : {}) };
    const dir = dirname(certFile);
    return { config: { tls: { enabled: true, ...files } }, options: ['--volume', `${dir}:${dir}:ro`] };
  };

  test('finds the daemon on the port and address of its configuration', async () => {
    const http = { host: '0.0.0.0', token: 'a-token-that-is-long-enough' };
    const container = await Container.start(workplace, mirror({ http }));
    await container.is('healthy', isHealthy(container));
  });

  test.each([
    ['over TLS', false],
    ['over TLS with certificates for clients', true],
  ])('finds it %s', async (_, clients) => {
    const { config, options } = await tls(clients);
    const container = await Container.start(workplace, mirror({ http: config }), { options });
    await container.is('healthy', isHealthy(container));
  });

  test('is satisfied while Redis is away: a restart would not bring it back', async () => {
    await server.kill();
    const container = await Container.start(workplace, mirror());
    await container.is('healthy', isHealthy(container));
    expect((await container.get('/readyz')).status).toBe(503);
    await server.start();
  });

  test('tells of a daemon that does not answer', async () => {
    const container = await Container.start(workplace, mirror());
    await container.is('healthy', isHealthy(container));
    await docker(['kill', '--signal', 'STOP', container.id]);
    await container.is('unhealthy', async () => (await container.health()) === 'unhealthy');
    expect(await container.healthOutput()).toContain('keyferry: /livez: no answer in 4 s');
  });
});
