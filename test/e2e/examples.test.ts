import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { stackProvider } from '../support/provider.ts';

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);

/** A program of docs/examples, as a reader runs it. */
class Example {
  readonly #child: ChildProcess;
  output = '';

  constructor(name: string, env: Readonly<Record<string, string>>, args: readonly string[] = []) {
    const options = { cwd: ROOT, env: { ...process.env, ...env } };
    const child = spawn(process.execPath, [`docs/examples/${name}.mjs`, ...args], options);
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
      });
    }
    this.#child = child;
    onTestFinished(() => void child.kill('SIGKILL'));
  }

  /** Waits for a line that looks so. */
  async says(pattern: RegExp): Promise<void> {
    await eventually(() => pattern.test(this.output), { what: `${pattern.source} in:\n${this.output}` });
  }

  /** The exit status. */
  async end(signal?: 'SIGINT'): Promise<number | null> {
    if (signal !== undefined) this.#child.kill(signal);
    if (this.#child.exitCode === null) await once(this.#child, 'exit');
    return this.#child.exitCode;
  }
}

describe('the package', () => {
  beforeAll(async () => {
    await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { cwd: ROOT });
  });

  test('runs its examples: what the producer writes, the consumer sees', async () => {
    const server = await (await stackProvider()).startRedis();
    const redis = new Redis(server.url);
    const topic = `examples-${randomUUID()}`;
    const daemon = await Daemon.create({
      redis: { url: server.url },
      kafka: { brokers: [...inject('kafkaBrokers')] },
      sources: [{ name: 'all-keys', topic }],
    });
    onTestFinished(async () => {
      await daemon.dispose();
      redis.disconnect();
      await server.kill();
    });
    await daemon.start();
    await daemon.settled();
    const env = {
      KEYFERRY_URL: `http://127.0.0.1:${daemon.port}`,
      KAFKA_BROKERS: inject('kafkaBrokers').join(),
      KAFKA_TOPIC: topic,
      KAFKA_GROUP: topic,
      REDIS_URL: server.url,
    };

    const consumer = new Example('consumer', env);
    const producer = new Example('producer', env, ['Grace', 'grace@example.com']);
    expect([await producer.end(), producer.output]).toEqual([
      0,
      expect.stringMatching(
        new RegExp(`^user:Grace stands in Kafka at ${topic}/\\d@\\d+\nvisits: 1\nRedis has .*grace@`),
      ),
    ]);
    await consumer.says(/^user:Grace is at grace@example\.com, until 2/m);
    await consumer.says(/^user:Grace has 1 visits by now/m);
    await redis.set('other', 'is passed over');
    await redis.del('user:Grace');
    await consumer.says(/^user:Grace is gone \(del\)/m);
    expect(await consumer.end('SIGINT')).toBe(0);
    expect(consumer.output).toMatch(/0 addresses known\n$/);
    expect(consumer.output).not.toContain('other');
  });

  test('gives an application nothing of the daemon but what its client needs', async () => {
    const script = `
      import { registerHooks } from 'node:module';
      registerHooks({ load(url, context, next) { console.log(url); return next(url, context); } });
      await import('keyferry/client');`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: ROOT });
    expect(stdout).toContain('dist/client/client.js');
    for (const heavy of ['fastify', 'pino', 'prom-client', 'convict', 'lmdb', 'kafkajs', 'dist/app', 'dist/config'])
      expect(stdout).not.toContain(heavy);
  });
});
