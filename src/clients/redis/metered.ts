import type { Clock } from '../../core/clock.ts';
import type { RedisMetrics } from '../../observability/metrics.ts';
import type { RedisCommand, RedisConnection } from './port.ts';

/** Of the commands that Keyferry sends by themselves, those that write. */
const WRITES = new Set([
  ...['SET', 'DEL', 'UNLINK', 'HDEL', 'BLMOVE'],
  ...['XACK', 'XAUTOCLAIM', 'XGROUP', 'XREADGROUP'],
]);
/** They take as long as nobody else does something. */
const BLOCKING = new Set(['BLMOVE', 'BLMPOP', 'BLPOP', 'BRPOP', 'BRPOPLPUSH', 'BZMPOP', 'BZPOPMAX', 'BZPOPMIN']);

const waits = ([name, ...args]: RedisCommand): boolean => BLOCKING.has(name.toUpperCase()) || args.includes('BLOCK');

/**
 * The connection, with its commands counted and its round trips timed, but for those in which a command waits for others.
 * A script counts as one command for each key.
 */
export const metered = (connection: RedisConnection, metrics: RedisMetrics, clock: Clock): RedisConnection => {
  const count = (name: string): void => {
    metrics.commands(WRITES.has(name.toUpperCase()) ? 'write' : 'read', 1);
  };
  const timed = async <T>(replies: Promise<T>): Promise<T> => {
    const start = clock.monotonic();
    try {
      return await replies;
    } finally {
      metrics.commandSeconds((clock.monotonic() - start) / 1000);
    }
  };
  return {
    call: (name, ...args) => {
      count(name);
      const reply = connection.call(name, ...args);
      return waits([name, ...args]) ? reply : timed(reply);
    },
    pipeline: (commands) => {
      for (const [name] of commands) count(name);
      const replies = connection.pipeline(commands);
      return commands.some(waits) ? replies : timed(replies);
    },
    script: (script, keys, args) => {
      metrics.commands(script.readOnly ? 'read' : 'write', keys.length);
      return timed(connection.script(script, keys, args));
    },
    scriptEach: (script, on) => {
      metrics.commands(script.readOnly ? 'read' : 'write', on.keys.length);
      return timed(connection.scriptEach(script, on));
    },
    serverOf: (key) => connection.serverOf(key),
    ready: (signal) => connection.ready(signal),
    get isReady() {
      return connection.isReady;
    },
    close: () => connection.close(),
  };
};
