import { expect, test } from 'vitest';
import { parseView } from '../../../../../src/clients/redis/cluster/cluster-view.ts';

const asked = { host: 'seed', port: 7000 };
const info = 'cluster_state:ok\r\ncluster_current_epoch:9\r\ncluster_my_epoch:3\r\n';
const line = (id: string, place: string, flags: string, rest = '0 connected'): string =>
  `${id} ${place} ${flags} - 0 0 ${rest}\n`;

test('the epoch, the roles and the slots are read; slots on their way stay with their owner', () => {
  const nodes =
    line('a', '10.0.0.1:7000@17000', 'myself,master', '3 connected 0-5 7 [7->-b] [8-<-b]') +
    line('b', '10.0.0.2:7000@17000,b.redis', 'slave', '4 connected');
  expect(parseView({ info, nodes, slots: [] }, asked)).toEqual({
    epoch: 9,
    nodes: [
      {
        ...{ id: 'a', host: '10.0.0.1', port: 7000, isMaster: true, isHealthy: true, configEpoch: 3 },
        slots: [
          { first: 0, last: 5 },
          { first: 7, last: 7 },
        ],
      },
      { id: 'b', host: '10.0.0.2', port: 7000, isMaster: false, isHealthy: true, configEpoch: 4, slots: [] },
    ],
  });
});

test.each([
  ['the endpoint that it wants', [Buffer.from('b.redis'), 7001, Buffer.from('a')], 'b.redis', 7001],
  ['the node that was asked, where it names none', [null, 7001, Buffer.from('a')], 'seed', 7001],
  [
    'the node that was asked, where it does not know its name',
    [Buffer.from('?'), 7001, Buffer.from('a')],
    'seed',
    7001,
  ],
  [
    'the node that was asked, where it does not know its address',
    [Buffer.from(''), 7001, Buffer.from('a')],
    'seed',
    7001,
  ],
])('a node is met at %s', (_, endpoint, host, port) => {
  const nodes = line('a', '10.0.0.1:7000@17000', 'master');
  expect(parseView({ info, nodes, slots: [[0, 5, endpoint]] }, asked).nodes).toMatchObject([{ id: 'a', host, port }]);
});

test.each([
  [':7000@17000', 'seed', 7000],
  ['fd00::1:7000@17000', 'fd00::1', 7000],
  ['10.0.0.1:7000@17000,host.name,tls-port=7001', '10.0.0.1', 7000],
])('without an endpoint, %s is %s:%i', (place, host, port) => {
  const nodes = line('a', place, 'master');
  expect(parseView({ info, nodes, slots: [] }, asked).nodes).toMatchObject([{ host, port }]);
});

test('a node that nobody can reach yet is left out; one that fails is said to', () => {
  const nodes =
    line('a', ':0@0', 'handshake') +
    line('b', ':0@0', 'master,noaddr') +
    line('c', '10.0.0.3:1@2', 'master,fail') +
    line('d', '10.0.0.4:1@2', 'master,fail?');
  expect(parseView({ info, nodes, slots: [] }, asked).nodes.map(({ id, isHealthy }) => [id, isHealthy])).toEqual([
    ['c', false],
    ['d', true],
  ]);
});
