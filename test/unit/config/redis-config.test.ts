import { describe, expect, it } from 'vitest';
import { load, oneSource, problemsOf } from './helpers.ts';

const withRedis = (redis: string): string => `redis: ${redis}\n${oneSource()}`;

describe('Redis behind sentinels', () => {
  it('is told by its sentinels and its name there', () => {
    const yaml = withRedis(
      '{ url: "redis://me@any/2", topology: sentinel, nodes: "a:26379, b:26379", sentinelName: main, sentinelPasswordFile: /s }',
    );
    expect(load(yaml, { files: { '/s': 'geheim' } }).redis).toMatchObject({
      url: 'redis://me@any/2',
      topology: 'sentinel',
      nodes: ['a:26379', 'b:26379'],
      sentinelName: 'main',
      sentinelPasswordFile: '/s',
    });
  });

  it.each([
    ['{ topology: sentinel }', /redis\.nodes is empty: give the sentinels/],
    ['{ nodes: "a:1" }', /redis\.nodes has no effect on a standalone server/],
    ['{ topology: sentinel, nodes: a }', /redis\.nodes item 1 must be host:port/],
    [
      '{ topology: sentinel, nodes: "a:1", sentinelPassword: x, sentinelPasswordFile: /s }',
      /sentinelPasswordFile is one sentinelPassword and the one beside it another/,
    ],
  ])('is refused where it is none: %s', (redis, expected) => {
    expect(problemsOf(withRedis(redis), { files: { '/s': 'x' } })).toEqual([expect.stringMatching(expected)]);
  });
});

describe('TLS to Redis', () => {
  it('is wanted by the URL or by the setting', () => {
    expect(load(withRedis('{ url: "rediss://h:1" }')).redis.url).toBe('rediss://h:1');
    expect(load(withRedis('{ tls: { enabled: true, serverName: redis.test } }')).redis.tls).toMatchObject({
      enabled: true,
      serverName: 'redis.test',
    });
  });

  it('may be wanted by a sink with a Redis of its own', () => {
    const yaml = 'sinks: [{ name: s, topics: t, group: g, redis: { url: "rediss://h", tls: { serverName: x } } }]';
    expect(load(yaml).sinks[0]?.redis.tls?.serverName).toBe('x');
  });

  it.each([
    ['{ tls: { caFile: /ca } }', /redis\.tls\.caFile has no effect without TLS/],
    ['{ url: "rediss://h", tls: { caFile: /nope } }', /redis\.tls\.caFile cannot be read: ENOENT/],
    ['{ url: "rediss://h", tls: { caFile: /ca } }', /redis\.tls\.caFile \/ca is no PEM/],
    ['{ tls: { enabled: true, certFile: /pem } }', /redis\.tls\.certFile needs its private key/],
    ['{ tls: { enabled: true, keyFile: /pem } }', /redis\.tls\.keyFile needs its certificate/],
  ])('is refused where it cannot be: %s', (redis, expected) => {
    const files = { '/ca': 'nothing', '/pem': '-----BEGIN NOTHING-----' };
    expect(problemsOf(withRedis(redis), { files })).toContainEqual(expect.stringMatching(expected));
  });

  it('of a sink that names no Redis of its own is of no server', () => {
    const yaml = 'sinks: [{ name: s, topics: t, group: g, redis: { tls: { enabled: true } } }]';
    expect(problemsOf(yaml)).toEqual([expect.stringContaining('sinks[0].redis.url is missing')]);
  });
});
