import { expect, test } from 'vitest';
import { parseRedisUrl } from '../../../../src/clients/redis/address.ts';

test.each([
  ['redis://localhost', { host: 'localhost', port: 6379, tls: false, username: '', password: '' }],
  ['redis://10.0.0.1:7000/3', { host: '10.0.0.1', port: 7000, tls: false, username: '', password: '' }],
  ['rediss://redis.example:6380', { host: 'redis.example', port: 6380, tls: true, username: '', password: '' }],
  ['redis://:p%40ss%2Fword@h', { host: 'h', port: 6379, tls: false, username: '', password: 'p@ss/word' }],
  ['redis://us%C3%A9r:pw@[::1]:1', { host: '::1', port: 1, tls: false, username: 'usér', password: 'pw' }],
])('%s is taken apart', (url, address) => {
  expect(parseRedisUrl(url)).toEqual(address);
});

test.each(['localhost:6379', 'http://localhost', 'redis://', ''])('%s is no Redis URL', (url) => {
  expect(() => parseRedisUrl(url)).toThrow(expect.objectContaining({ code: 'KF_CONFIG_INVALID' }) as Error);
});

test('a URL that is unusable is not quoted: it may hold a password', () => {
  expect(() => parseRedisUrl('http://user:secret@localhost')).not.toThrow('secret');
});
