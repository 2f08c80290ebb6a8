import { expect, test } from 'vitest';
import { redirectionIn } from '../../../../../src/clients/redis/cluster/redirection.ts';
import { refusal } from '../../../../../src/clients/redis/errors.ts';

const from = { host: 'here', port: 1 };

test.each([
  ['MOVED 12 10.0.0.2:7000', { slot: 12, address: { host: '10.0.0.2', port: 7000 }, asking: false }],
  ['ASK 12 b.redis:7000', { slot: 12, address: { host: 'b.redis', port: 7000 }, asking: true }],
  ['MOVED 12 :7001', { slot: 12, address: { host: 'here', port: 7001 }, asking: false }],
  ['MOVED 12 fd00::1:7001', { slot: 12, address: { host: 'fd00::1', port: 7001 }, asking: false }],
  ['TRYAGAIN Multiple keys request during rehashing of slot', undefined],
  ['ERR MOVED 12 10.0.0.2:7000', undefined],
])('%s', (words, expected) => {
  expect(redirectionIn([null, 1, refusal('GET', words)], from)).toEqual(expected);
});
