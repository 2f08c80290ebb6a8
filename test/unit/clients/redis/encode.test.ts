import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeCommand } from '../../../../src/clients/redis/encode.ts';
import type { RedisArgument } from '../../../../src/clients/redis/port.ts';

/** The protocol's definition, word by word. */
const asDefined = (name: string, args: readonly RedisArgument[]): Buffer => {
  const parts = [name, ...args].map((arg) => (Buffer.isBuffer(arg) ? arg : Buffer.from(String(arg))));
  return Buffer.concat([
    Buffer.from(`*${parts.length}\r\n`),
    ...parts.flatMap((part) => [Buffer.from(`$${part.length}\r\n`), part, Buffer.from('\r\n')]),
  ]);
};

const argument = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.integer(),
  fc.double({ noNaN: true }),
);

test('a command of any arguments is encoded as the protocol defines it', () => {
  fc.assert(
    fc.property(fc.array(argument, { maxLength: 50 }), (args) => {
      expect(encodeCommand('EVALSHA', args)).toEqual(asDefined('EVALSHA', args));
    }),
  );
});
