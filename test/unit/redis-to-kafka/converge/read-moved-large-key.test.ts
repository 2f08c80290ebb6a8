import { expect, test } from 'vitest';
import type { RedisConnection } from '../../../../src/clients/redis/port.ts';
import { refusal } from '../../../../src/clients/redis/errors.ts';
import type { LargeKey } from '../../../../src/redis-to-kafka/converge/key-pieces.ts';
import { LargeKeyReader } from '../../../../src/redis-to-kafka/converge/read-large-key.ts';

const refusing = (words: string): RedisConnection => {
  const refused = refusal('WATCH', words);
  return {
    call: () => Promise.reject(refused),
    pipeline: (commands) => Promise.resolve(commands.map(() => refused)),
    script: () => Promise.reject(refused),
    scriptEach: () => Promise.resolve([]),
    serverOf: () => undefined,
    ready: () => Promise.resolve(),
    isReady: true,
    close: () => Promise.resolve(),
  };
};

const server = { fieldsMayExpire: false, hasExpireTime: true };
const small: LargeKey = { type: 'list', elements: 10, parts: 1, bytes: 100_000, ...server };
const huge: LargeKey = { type: 'list', elements: 10_000_000, parts: 1, bytes: 100_000_000, ...server };

test.each([
  ['ASK 5 127.0.0.1:1', small],
  ['ASK 5 127.0.0.1:1', huge],
  ['MOVED 5 127.0.0.1:1', small],
  ['MOVED 5 127.0.0.1:1', huge],
])(
  'a large key whose slot is on its way (%s) waits aside: asked for again at once, it would keep all busy',
  async (words, large) => {
    const reader = new LargeKeyReader({ connectionTo: () => refusing(words), maxValueBytes: 1_000_000_000 });
    await expect(reader.read(Buffer.from('key'), large)).rejects.toThrow(words);
  },
);
