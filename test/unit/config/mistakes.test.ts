import { describe, expect, it } from 'vitest';
import { printConfig } from '../../../src/config/print-config.ts';
import { load, oneSource, problemsOf } from './helpers.ts';

const stream = (name: string, more: string): string => `{ name: ${name}, type: stream, topic: t, ${more} }`;
const list = (name: string, more: string): string => `{ name: ${name}, type: list, topic: t, ${more} }`;
const sources = (...elements: readonly string[]): string => `sources: [${elements.join(', ')}]`;
const sink = (more: string): string => `sinks: [{ name: p, topics: [t], group: g, format: json, ${more} }]`;
const rule = (more: string): string => `rest: { readThrough: [{ pattern: "a*", ${more} }] }\n${oneSource()}`;

describe('a mistyped kind', () => {
  it.each([
    [
      'sources: [{ name: a, type: strem, keys: [x], topic: t, nonsense: 1 }]',
      'sources[0].type must be one of keyspace',
    ],
    ['sinks: [{ name: a, topics: [t], group: g, format: avro, as: hash }]', 'sinks[0].format must be one of keyferry'],
  ])(
    'is the one thing that is wrong: keys of the kind that was meant are not called misplaced: %s',
    (yaml, expected) => {
      expect(problemsOf(yaml)).toEqual([expect.stringContaining(expected)]);
    },
  );

  it('is told from the environment, too', () => {
    const yaml = sources(stream('s', 'keys: [a]'));
    expect(problemsOf(yaml, { environment: { KEYFERRY_SOURCES_0_TYPE: 'strem' } })).toEqual([
      expect.stringContaining('KEYFERRY_SOURCES_0_TYPE: sources[0].type must be one of keyspace, stream, list'),
    ]);
  });
});

describe('two sources', () => {
  it.each([
    ['entries', sources(stream('a', 'keys: [x]'), stream('b', 'keys: [y, x]')), 'give it a group of its own'],
    ['items', sources(list('a', 'keys: [x]'), list('b', 'keys: [y, x]')), 'take it from one of them'],
  ])('are refused where they would share out the %s of a key', (_, yaml, todo) => {
    const line = `sources[1].keys names x, as sources[0] does, and the two would share it out: ${todo}`;
    expect(problemsOf(yaml)).toEqual([expect.stringContaining(line)]);
  });

  it.each([
    ['groups', sources(stream('a', 'keys: [x]'), stream('b', 'keys: [x], group: other'))],
    ['databases', sources(list('a', 'keys: [x]'), list('b', 'keys: [x], database: 1'))],
    ['keys', sources(stream('a', 'keys: [x]'), stream('b', 'keys: [y]'))],
  ])('may read at once where their %s differ', (_, yaml) => {
    expect(problemsOf(yaml)).toEqual([]);
  });
});

describe("Keyferry's own keys", () => {
  it.each([
    ['a list to take from', sources(list('a', "keys: ['__keyferry__:list:{jobs}:jobs:q']"))],
    ['a stream to read', sources(stream('a', "keys: ['__keyferry__:*']"))],
    ['what a sink writes', sink("key: '__keyferry__:{key}'")],
  ])('are refused as %s', (_, yaml) => {
    expect(problemsOf(yaml)).toEqual([expect.stringContaining("such keys are Keyferry's own")]);
  });
});

describe('what has no meaning', () => {
  it.each([
    [sink('as: stream, push: right'), 'sinks[0].push is for as: list only, and this is stream'],
    [sources(stream('a', 'keys: [x], discoverEvery: 0')), 'discoverEvery must be a duration'],
    [`rest: { ackTimeout: 0 }\n${oneSource()}`, 'rest.ackTimeout must be a duration'],
    [rule('url: "http://h/{key}", ttl: 0'), 'ttl must be a duration'],
    [rule('url: "http://h/{key}", timeout: 0ms'), 'timeout must be a duration'],
  ])('is refused: %s', (yaml, expected) => {
    expect(problemsOf(yaml)).toEqual([expect.stringContaining(expected)]);
  });
});

describe('the address of an origin', () => {
  it.each(['http://{key}/x', 'http://{1}:80/', 'http:\\/\\/a.{key}', 'https://u@{key}/', 'http://h:{1}/'])(
    'never takes its host from a key: %s',
    (url) => {
      expect(problemsOf(rule(`url: '${url}'`))).toHaveLength(1);
    },
  );

  it('holds no password, which is not shown either', () => {
    const [line, ...others] = problemsOf(rule('url: "http://me:geheim@h/{key}"'));
    expect(line).toContain('url holds a user or password, which are not sent: remove them');
    expect([line, ...others].join('\n')).not.toContain('geheim');
  });

  it('has its placeholders in path and query, and is printed as it was written', () => {
    const url = 'https://h:8443/{1}/x?id={2}';
    expect(printConfig(load(rule(`url: "${url}"`)))).toContain(url);
  });
});

it('a key may live longer than a timer runs', () => {
  expect(load(sink('expire: 365d')).sinks[0]).toMatchObject({ expire: 365 * 86_400_000 });
  expect(load(rule('url: "http://h/{key}", ttl: 90d')).rest.readThrough[0]).toMatchObject({ ttl: 90 * 86_400_000 });
  expect(problemsOf(sink('expire: 3651d'))).toEqual([expect.stringContaining('at most 3650d')]);
});
