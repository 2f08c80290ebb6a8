import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SCRIPTS } from './redis-pods.ts';

interface Server {
  readonly id: string;
  readonly node: string;
  readonly role: 'master' | 'replica';
  /** Whom it follows. */
  readonly master?: string;
  readonly slots?: number;
}

interface Decision {
  readonly what: string;
  readonly id: string;
  readonly master: string | undefined;
}

const plan = (servers: readonly Server[], masters: number): readonly Decision[] => {
  const rows = servers.map(({ id, node, role, master = '-', slots = 0 }) =>
    [id, `${id}:6379`, node, role, master, slots].join(' '),
  );
  const args = ['-v', `masters=${masters}`, '-f', join(SCRIPTS, 'plan.awk')];
  const output = execFileSync('awk', args, { input: `${rows.join('\n')}\n`, encoding: 'utf8' });
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [what = '', id = '', , master] = line.split(' ');
      return { what, id, master };
    });
};

const empty = (id: string, node: string): Server => ({ id, node, role: 'master' });
const owner = (id: string, node: string): Server => ({ id, node, role: 'master', slots: 5_461 });
const replica = (id: string, node: string, master: string): Server => ({ id, node, role: 'replica', master });

/** What the cluster is once the decisions are carried out. */
const carriedOut = (servers: readonly Server[], decisions: readonly Decision[]): readonly Server[] =>
  servers.map((server) => {
    const decision = decisions.find(({ what, id }) => id === server.id && what !== 'lead');
    if (decision?.what === 'own') return { ...server, slots: 1 };
    return decision?.what === 'follow' ? replica(server.id, server.node, decision.master ?? '') : server;
  });

describe('the plan', () => {
  test('is to leave a good cluster alone', () => {
    const owners = [owner('a', '1'), owner('b', '2'), owner('c', '3')];
    expect(plan([...owners, replica('d', '1', 'b'), replica('e', '2', 'c'), replica('f', '3', 'a')], 3)).toEqual([]);
  });

  test('moves as few as have to', () => {
    const owners = [owner('a', '1'), owner('b', '2'), owner('c', '3')];
    const decisions = plan([...owners, replica('d', '1', 'b'), replica('e', '2', 'a'), replica('f', '3', 'c')], 3);
    expect(decisions).toEqual([
      { what: 'follow', id: 'e', master: 'c' },
      { what: 'follow', id: 'f', master: 'a' },
    ]);
  });

  test('has a replica lead where most masters share a node', () => {
    const owners = [owner('a', '3'), owner('b', '2'), owner('c', '3')];
    const decisions = plan([...owners, replica('d', '1', 'c'), replica('e', '1', 'b'), replica('f', '2', 'a')], 3);
    expect(decisions).toEqual([{ what: 'lead', id: 'd', master: undefined }]);
  });

  test('frees a replica of who has most, where there are too few masters', () => {
    const replicas = [replica('c', '1', 'b'), replica('d', '1', 'a'), replica('e', '2', 'a'), replica('f', '3', 'a')];
    const [first] = plan([owner('a', '1'), owner('b', '2'), ...replicas], 3);
    expect(first?.what).toBe('free');
    expect(['d', 'e', 'f']).toContain(first?.id);
  });

  test('on three nodes, of any new cluster: a master on each, and no replica beside its master', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(['1', '1', '2', '2', '3', '3'], { minLength: 6 }), (nodes) => {
        const servers = nodes.map((node, at) => empty(`s${at}`, node));
        const made = carriedOut(servers, plan(servers, 3));
        const masters = made.filter(({ role }) => role === 'master');
        expect(new Set(masters.map(({ node }) => node)).size).toBe(3);
        for (const { node, master } of made.filter(({ role }) => role === 'replica'))
          expect(masters.find(({ id }) => id === master)?.node).not.toBe(node);
        // And it is content with what it made.
        expect(plan(made, 3)).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });

  test('of any cluster: every replica gets a master that exists, none more than its part, and nothing is left to do', () => {
    const nodes = fc.constantFrom('1', '2', '3', '4');
    fc.assert(
      fc.property(fc.array(nodes, { minLength: 3, maxLength: 12 }), fc.nat(), (places, seed) => {
        const owners = places.slice(0, 3).map((node, at) => owner(`m${at}`, node));
        const others = places.slice(3).map((node, at) => replica(`r${at}`, node, `m${(seed + at * at) % 3}`));
        const made = carriedOut([...owners, ...others], plan([...owners, ...others], 3));
        for (const { id } of owners) {
          expect(made.filter(({ master }) => master === id).length).toBeLessThanOrEqual(Math.ceil(others.length / 3));
        }
        expect(plan(made, 3).filter(({ what }) => what !== 'lead')).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});
