import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { divergence, expectedRecord } from '../support/independent-reader.ts';
import { stackProvider } from '../support/provider.ts';
import type { RedisServer } from '../support/stack.ts';
import { RECIPES, type Recipe } from './write-commands.ts';

const isCommand = (run: Recipe['run']): run is readonly (string | number)[] => !Array.isArray(run[0]);

/** What COMMAND tells of a command: name, ..., flags at 2, ..., subcommands at 9; before Redis 7 none. */
type CommandEntry = readonly unknown[];

const writersIn = (entry: CommandEntry): readonly string[] => {
  const [name, , flags] = entry as readonly [string, number, readonly string[]];
  const subcommands = (entry[9] ?? []) as readonly CommandEntry[];
  if (subcommands.length > 0) return subcommands.flatMap(writersIn);
  return flags.includes('write') ? [name] : [];
};

const containerOf = (name: string): string => name.split('|', 1)[0] ?? name;

/** Of these nobody is told, key by key: a gap finds them. */
const TOLD_BY_A_GAP = ['flushall', 'flushdb', 'swapdb'];

describe('the mirror converges after each write command that this server has', () => {
  const topic = `commands-${crypto.randomUUID()}`;
  let server: RedisServer;
  let other: RedisServer;
  let redis: Redis;
  let daemon: Daemon;
  let commands: readonly string[];
  let dump: Buffer;

  const fill = (name: string, command: readonly (string | number)[]): (string | Buffer)[] =>
    command.map((word) => {
      const text = String(word);
      if (text === '$DUMP') return dump;
      if (text === '$PORT') return String(other.port);
      return /^\$[ab]$/.test(text) ? `${name}:${text.slice(1)}` : text;
    });
  const call = async (name: string, command: readonly (string | number)[]): Promise<void> => {
    const [verb = '', ...args] = fill(name, command);
    await redis.call(String(verb), ...args);
  };
  const stateOf = async (name: string): Promise<unknown> => [
    await expectedRecord(redis, Buffer.from(`${name}:a`)),
    await expectedRecord(redis, Buffer.from(`${name}:b`)),
  ];

  beforeAll(async () => {
    const provider = await stackProvider();
    [server, other] = await Promise.all([provider.startRedis(), provider.startRedis()]);
    redis = new Redis(server.url);
    await redis.set('dumped', 'one');
    dump = await redis.dumpBuffer('dumped');
    commands = [...((await redis.call('COMMAND')) as CommandEntry[]).flatMap(writersIn), 'pfcount', 'eval', 'exec'];
    daemon = await Daemon.create({
      redis: { url: server.url },
      kafka: { brokers: [...inject('kafkaBrokers')] },
      // No reconcile but for a gap: what converges here was told by the feeds.
      // Canaries so far apart that none is missed because the machine stands still for a while.
      sources: [{ name: 'all', topic, canaryEvery: '15s', reconcileEvery: 0 }],
    });
    await daemon.start();
    await daemon.settled();
  });
  afterAll(async () => {
    await daemon.dispose();
    redis.disconnect();
  });

  it('and each of them has its recipe here', () => {
    const known = new Set(Object.keys(RECIPES).flatMap((name) => [name, containerOf(name)]));
    expect(commands.filter((name) => !known.has(name))).toEqual([]);
  });

  it.for(Object.entries(RECIPES))('%s', async ([name, recipe], { skip }) => {
    if (recipe === null) return skip('writes no key, or none by a client');
    if (!commands.includes(name) && !commands.includes(containerOf(name))) return skip('this server does not have it');
    for (const command of recipe.given ?? []) await call(name, command);
    await daemon.settled();
    const before = await stateOf(name);
    const gapsBefore = await daemon.metric('keyferry_source_gaps_total');
    for (const command of isCommand(recipe.run) ? [recipe.run] : (recipe.run as readonly (readonly string[])[])) {
      await call(name, command);
    }
    expect(await stateOf(name)).not.toEqual(before);
    await eventually(
      async () => {
        const differences = await divergence(redis, inject('kafkaBrokers'), topic);
        if (differences.length > 0) throw new Error(differences.join('\n'));
        return true;
      },
      { what: 'the topic to equal Redis' },
    );
    if (!TOLD_BY_A_GAP.includes(name)) expect(await daemon.metric('keyferry_source_gaps_total')).toBe(gapsBefore);
  });
});
