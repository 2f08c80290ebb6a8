import { expect, test } from 'vitest';
import { firstKey } from '../../../../../src/clients/redis/cluster/command-keys.ts';
import type { RedisCommand } from '../../../../../src/clients/redis/port.ts';

test.each<[string | undefined, RedisCommand]>([
  ['k', ['GET', 'k']],
  ['k', ['set', Buffer.from('k'), 'v']],
  ['7', ['GET', 7]],
  ['k', ['JSON.SET', 'k', '$', '1']],
  ['k', ['OBJECT', 'ENCODING', 'k']],
  ['k', ['MEMORY', 'USAGE', 'k']],
  ['k', ['XINFO', 'STREAM', 'k']],
  ['k', ['XGROUP', 'CREATE', 'k', 'g', '$']],
  ['k', ['XREADGROUP', 'GROUP', 'streams-group', 'c', 'COUNT', 10, 'STREAMS', 'k', '>']],
  ['k', ['XREAD', 'streams', 'k', 0]],
  ['k', ['EVALSHA_RO', 'digest', 2, 'k', 'l']],
  [undefined, ['EVALSHA', 'digest', 0, 'argument']],
  ['k', ['ZUNIONSTORE', 'k', 2, 'a', 'b']],
  ['k', ['ZDIFF', 2, 'k', 'b']],
  ['k', ['BLMPOP', 0, 1, 'k', 'LEFT']],
  [undefined, ['PING']],
  [undefined, ['CONFIG', 'GET', 'port']],
  [undefined, ['SCAN', 0]],
])('%s is the first key of %s', (key, command) => {
  expect(firstKey(command)?.toString()).toBe(key);
});
