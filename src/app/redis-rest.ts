import { connectRedis } from '../clients/redis/connect.ts';
import { KeyspaceSource } from '../redis-to-kafka/flow.ts';
import { SourcesMirror } from '../rest/redis-rest/mirror.ts';
import { RedisRest } from '../rest/redis-rest/redis-rest.ts';
import type { Flow, Tools } from './flows.ts';

/** Applications' own way to Redis; undefined where it is switched off. @param sources acknowledge what it writes. */
export const openRedisRest = (
  sources: readonly Flow[],
  { config, clock, metrics, tracer }: Tools,
): RedisRest | undefined => {
  const { enabled, database, ackTimeout: ackTimeoutMs, maxBodyBytes, readThrough } = config.rest;
  if (!enabled) return undefined;
  const rules = readThrough.map(({ pattern, url, ttl, timeout }) => ({ pattern, url, ttlMs: ttl, timeoutMs: timeout }));
  return new RedisRest(
    { database, ackTimeoutMs, maxBodyBytes, readThrough: rules },
    {
      redis: connectRedis({ ...config.redis, name: config.kafka.clientId, clock }),
      mirror: new SourcesMirror(sources.filter((source) => source instanceof KeyspaceSource)),
      clock,
      metrics: metrics.rest,
      redisMetrics: metrics.redis,
      tracer,
    },
  );
};
