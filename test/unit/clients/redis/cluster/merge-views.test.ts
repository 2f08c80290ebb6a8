import { expect, test } from 'vitest';
import type { ClusterNode, ClusterView } from '../../../../../src/clients/redis/cluster/cluster-view.ts';
import { mergeViews } from '../../../../../src/clients/redis/cluster/merge-views.ts';

const node = (id: string, options: Partial<ClusterNode> = {}): ClusterNode => ({
  id,
  host: id,
  port: 1,
  isMaster: true,
  isHealthy: true,
  configEpoch: 1,
  slots: [],
  ...options,
});
const all = [{ first: 0, last: 16383 }];
const low = [{ first: 0, last: 8191 }];
const high = [{ first: 8192, last: 16383 }];
const view = (...nodes: ClusterNode[]): ClusterView => ({ epoch: 1, nodes });
const slotsById = (...views: ClusterView[]) =>
  Object.fromEntries(mergeViews(views).map(({ id, slots }) => [id, slots]));

test('masters come with their slots, in the order of those; replicas are left out', () => {
  const told = view(node('b', { slots: high }), node('r', { isMaster: false }), node('a', { slots: low }));
  expect(mergeViews([told])).toEqual([
    { id: 'a', host: 'a', port: 1, slots: low },
    { id: 'b', host: 'b', port: 1, slots: high },
  ]);
});

test('a view that is behind does not win against a greater epoch, in whatever order they come', () => {
  const stale = view(node('old', { slots: all }), node('new', { isMaster: false }));
  const fresh = view(node('old', { isMaster: false, configEpoch: 5 }), node('new', { slots: all, configEpoch: 5 }));
  for (const views of [
    [stale, fresh],
    [fresh, stale],
  ]) {
    expect(slotsById(...views)).toEqual({ new: all });
  }
});

test('a slot that has moved is of the greater epoch, the neighbours stay', () => {
  const before = view(node('a', { slots: all }), node('b', { configEpoch: 2 }));
  const after = view(
    node('a', {
      slots: [
        { first: 0, last: 99 },
        { first: 101, last: 16383 },
      ],
    }),
    node('b', { configEpoch: 7, slots: [{ first: 100, last: 100 }] }),
  );
  expect(slotsById(before, after)).toEqual({
    a: [
      { first: 0, last: 99 },
      { first: 101, last: 16383 },
    ],
    b: [{ first: 100, last: 100 }],
  });
});

test('a master without slots is one; where somebody says that it is not, or has failed, it is none', () => {
  const full = node('full', { slots: all });
  expect(slotsById(view(full, node('empty')))).toEqual({ full: all, empty: [] });
  expect(slotsById(view(full, node('empty')), view(full, node('empty', { isMaster: false })))).toEqual({ full: all });
  expect(slotsById(view(full, node('empty', { isHealthy: false })))).toEqual({ full: all });
});

test('a master that has failed keeps its slots until another one has them', () => {
  expect(slotsById(view(node('a', { slots: low, isHealthy: false }), node('b', { slots: high })))).toEqual({
    a: low,
    b: high,
  });
});
