import { Command, type Redis } from 'ioredis';
import { encodeCommand } from './encode.ts';
import { toKeyferryError } from './errors.ts';
import type { RedisArgument, RedisCommand, RedisReply } from './port.ts';

/**
 * A command that goes out as we encoded it. The library sees no arguments, so it can neither rewrite them nor put them
 * into its errors; its name is in capitals, because it rewrites replies of some commands that it sees in lower case.
 */
class EncodedCommand extends Command {
  readonly #bytes: Buffer;

  constructor(name: string, args: readonly RedisArgument[]) {
    super(name.toUpperCase());
    this.#bytes = encodeCommand(this.name, args);
  }

  override toWritable(): Buffer {
    return this.#bytes;
  }
}

/** One command, its reply raw. @throws a KeyferryError */
export const send = async (
  redis: Redis,
  address: string,
  name: string,
  args: readonly RedisArgument[],
): Promise<RedisReply> => {
  const command = new EncodedCommand(name, args);
  redis.sendCommand(command);
  try {
    return (await command.promise) as RedisReply;
  } catch (error) {
    throw toKeyferryError(name, error, address);
  }
};

/** Several commands in one write; errors stand in their places, as KeyferryErrors. */
export const sendAll = async (
  redis: Redis,
  address: string,
  commands: readonly RedisCommand[],
): Promise<(RedisReply | Error)[]> => {
  redis.stream.cork();
  const replies = commands.map(([name, ...args]) =>
    send(redis, address, name, args).catch((error: unknown) => error as Error),
  );
  redis.stream.uncork();
  return Promise.all(replies);
};
