import { describe, expect, it } from 'vitest';
import type { KeyName } from '../../../../src/core/key-name.ts';
import { ServerParts } from '../../../../src/redis-to-kafka/converge/server-parts.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const batchOf = (...names: string[]) => ({
  keys: names as KeyName[],
  touches: names.map(() => ({ goneOp: 'del' as const, seenAt: 0, live: true, reconcile: 0 })),
});

/** `a1` is on server `a`; `-1` on none that is known. Servers answer when they are told to. */
const setUp = ({ isCluster = true } = {}) => {
  const clock = new FakeClock();
  const log: string[] = [];
  const asked = new Map<string, (() => void)[]>();
  const serverOf = (key: string): string | undefined => (key.startsWith('-') ? undefined : key.slice(0, 1));
  const parts = new ServerParts({ clock, serverOf: isCluster ? serverOf : undefined });
  return {
    log,
    clock,
    parts,
    run: async (...names: string[]): Promise<void> => {
      await parts.run(batchOf(...names), {
        read: async ({ keys }) => {
          const server = keys[0]?.slice(0, 1) ?? '';
          log.push(`ask ${keys.join()}`);
          await new Promise<void>((resolve) => asked.set(server, [...(asked.get(server) ?? []), resolve]));
          log.push(`read ${keys.join()}`);
        },
        refuse: ({ keys }, { message }) => log.push(`refuse ${keys.join()}: ${message}`),
      });
      log.push('done');
    },
    answer: async (server: string): Promise<void> => {
      for (const answer of asked.get(server) ?? []) answer();
      asked.delete(server);
      await clock.advance(0);
    },
  };
};

describe('a batch that several servers have', () => {
  it('is done once all have answered', async () => {
    const { run, answer, log, clock } = setUp();
    const running = run('a1', 'b1', 'a2');
    await answer('b');
    await clock.advance(400);
    expect(log).toEqual(['ask a1,a2', 'ask b1', 'read b1']);
    await answer('a');
    await running;
    expect(log.slice(3)).toEqual(['read a1,a2', 'done']);
  });

  it('waits half a second for a server that does not answer, once, and asks it no more until it does', async () => {
    const { run, answer, log, clock, parts } = setUp();
    const first = run('a1', 'b1');
    await answer('a');
    await clock.advance(500);
    await first;
    expect(log).toEqual(['ask a1', 'ask b1', 'read a1', 'done']);
    const second = run('a2', 'b2');
    await answer('a');
    await second;
    expect(log.slice(4)).toEqual(['ask a2', 'refuse b2: Redis at b has not answered for 500 ms', 'read a2', 'done']);
    // What it answers in the end counts.
    await answer('b');
    expect(log.slice(8)).toEqual(['read b1']);
    await parts.done();
    const third = run('b2');
    await answer('b');
    await third;
    expect(log.slice(9)).toEqual(['ask b2', 'read b2', 'done']);
  });

  it('asks a server again only once all that it was asked before is answered', async () => {
    const { run, answer, log, clock } = setUp();
    const both = [run('b1'), run('b2')];
    await clock.advance(500);
    await Promise.all(both);
    await run('b3');
    expect(log.at(-2)).toContain('refuse b3');
    await answer('b');
    const again = run('b3');
    await answer('b');
    await again;
    expect(log.slice(-3)).toEqual(['ask b3', 'read b3', 'done']);
  });

  it('asks for keys that no server is known to have, each time', async () => {
    const { run, answer, log, clock } = setUp();
    const first = run('-1');
    await clock.advance(500);
    await first;
    const second = run('-2');
    await answer('-');
    await second;
    expect(log).toEqual(['ask -1', 'done', 'ask -2', 'read -1', 'read -2', 'done']);
  });
});

describe('a batch that one server has, as there is no other', () => {
  it('waits as long as that takes', async () => {
    const { run, answer, log, clock } = setUp({ isCluster: false });
    const running = run('a1', 'b1');
    await clock.advance(5_000);
    expect(log).toEqual(['ask a1,b1']);
    await answer('a');
    await running;
    expect(log).toEqual(['ask a1,b1', 'read a1,b1', 'done']);
  });
});
