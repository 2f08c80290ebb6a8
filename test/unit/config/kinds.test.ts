import { describe, expect, it } from 'vitest';
import { printConfig } from '../../../src/config/print-config.ts';
import { load, oneSource, problemsOf } from './helpers.ts';

const STREAM = '{ name: s, type: stream, keys: [orders], topic: orders }';
const LIST = '{ name: l, type: list, keys: [jobs], topic: jobs }';
const SINK = '{ name: p, topics: [t], group: g, format: json, as: hash }';

describe('a source of another type', () => {
  it('has the keys of its type, with their defaults', () => {
    const [stream, list] = load(`redis: { url: redis://h/3 }\nsources: [${STREAM}, ${LIST}]`).sources;
    expect(stream).toEqual({
      name: 's',
      type: 'stream',
      database: 3,
      keys: ['orders'],
      group: 'keyferry',
      from: 'beginning',
      topic: 'orders',
      partitions: 6,
      recordKey: '{key}',
      trim: 'none',
      batch: 500,
      claimAfter: 60_000,
      discoverEvery: 5_000,
    });
    expect(list).toMatchObject({ type: 'list', database: 3, keys: ['jobs'], take: 'right', batch: 500 });
  });

  it('may be chosen by the environment, and by a reference to it', () => {
    const more = 'keys: [a]\n    topic: t';
    const environment = { KEYFERRY_SOURCES_0_TYPE: 'list', KIND: 'stream' };
    expect(load(oneSource(more), { environment }).sources[0]?.type).toBe('list');
    expect(load(oneSource('type: ${KIND}', more), { environment: { KIND: 'stream' } }).sources[0]?.type).toBe('stream');
  });

  it.each([
    [oneSource('trim: none'), 'sources[0].trim is for type stream only, and this is keyspace: remove it'],
    [
      `sources: [{ name: s, type: stream, keys: a, topic: t, format: json }]`,
      'sources[0].format is for type keyspace only, and this is stream: remove it',
    ],
    [oneSource('keys: [a]'), 'sources[0].keys is for type stream or list only, and this is keyspace: remove it'],
    [oneSource('type: queue'), 'sources[0].type must be one of keyspace, stream, list: value was "queue"'],
    [oneSource('type: stream'), 'sources[0].topic is missing'],
    [
      `sources: [{ name: s, type: stream, keys: a, topic: t, recordKey: customer }]`,
      'sources[0].recordKey must be a text with at least one of {key} {id} {field:NAME}',
    ],
    [
      `sources: [{ name: s, type: stream, keys: a, topic: t, deadLetter: t }]`,
      'sources[0].deadLetter must be another topic than `topic`',
    ],
  ])('does not have those of another one: %s', (yaml, expected) => {
    expect(problemsOf(yaml)).toContainEqual(expect.stringContaining(expected));
  });
});

describe('a sink of plain records', () => {
  it('says what is written, and where', () => {
    expect(load(`sinks: [${SINK}]`).sinks[0]).toMatchObject({ format: 'json', key: '{key}', as: 'hash', expire: 0 });
  });

  it.each([
    [
      '{ name: p, topics: [t], group: g, expire: 1d }',
      'expire is for format json or string only, and this is keyferry',
    ],
    [
      '{ name: p, topics: [t], group: g, format: json, key: "{key" }',
      'sinks[0].key has a "{" or "}" without the other one',
    ],
    [
      '{ name: p, topics: [t], group: g, format: json, key: "{nope}" }',
      'sinks[0].key has the unknown placeholder {nope}',
    ],
    [
      '{ name: p, topics: [t], group: g, format: string, as: hash }',
      'sinks[0].as is hash, which needs format: json; a string becomes string, list, stream',
    ],
    [
      '{ name: p, topics: [t], group: g, format: string, key: "{value.id}" }',
      'sinks[0].key names parts of the value: that needs format: json',
    ],
    [
      '{ name: p, topics: [t], group: g, format: json, maxLength: 5 }',
      'sinks[0].maxLength is for as: list or stream only, and this is string',
    ],
  ])('is refused where it is none: %s', (sink, expected) => {
    expect(problemsOf(`sinks: [${sink}]`)).toContainEqual(expect.stringContaining(expected));
  });
});

it.each(['celery', '{{{key}}}:profile', '{value.a.0}:{header.x}'])('a sink may write to the key %s', (key) => {
  const [sink] = load(`sinks: [{ name: p, topics: [t], group: g, format: json, key: "${key}" }]`).sinks;
  expect(sink).toMatchObject({ key });
});

describe('the HTTP tokens', () => {
  it('may stand in files, and open the interface to others', () => {
    const yaml = `http: { host: 0.0.0.0, tokenFile: /t, readOnlyToken: look }\n${oneSource()}`;
    expect(load(yaml, { files: { '/t': 'geheim\n' } }).http).toMatchObject({
      host: '0.0.0.0',
      port: 8080,
      allowUnauthenticated: false,
      token: 'geheim',
      readOnlyToken: 'look',
    });
  });

  it('are not shown', () => {
    const printed = printConfig(load(`http: { token: geheim, readOnlyToken: look-only }\n${oneSource()}`));
    expect(printed).toMatch(/token: ["']\*{3}["']/);
    expect(printed).not.toMatch(/geheim|look-only/);
  });

  it.each([
    ['http: { readOnlyToken: a }', 'http.readOnlyToken protects nothing without http.token'],
    ['http: { token: a, readOnlyToken: a }', 'http.readOnlyToken is http.token: choose another'],
  ])('are refused: %s', (yaml, expected) => {
    expect(problemsOf(`${yaml}\n${oneSource()}`)).toContainEqual(expect.stringContaining(expected));
  });
});

describe('the HTTP server', () => {
  const problems = (http: string, files: Readonly<Record<string, string>> = {}): readonly string[] =>
    problemsOf(`http: ${http}\n${oneSource()}`, { files });

  it.each([
    ['{ tls: { certFile: /c } }', 'http.tls.certFile has no effect while http.tls.enabled is false'],
    ['{ tls: { enabled: true } }', 'http.tls.certFile is missing, and so is http.tls.keyFile'],
    ['{ tls: { enabled: true, certFile: /c } }', 'http.tls.certFile needs its private key: give http.tls.keyFile'],
    ['{ maxBodyBytesInFlight: 5000000 }', 'http.maxBodyBytesInFlight has no room for one body of rest.maxBodyBytes'],
    ['{ clientTimeout: 0 }', 'http.clientTimeout is 0'],
    ['{ rateLimit: -1 }', 'http.rateLimit must be an integer'],
  ])('is refused: %s', (http, expected) => {
    expect(problems(http, { '/c': '-----BEGIN CERTIFICATE-----' })).toContainEqual(expect.stringContaining(expected));
  });
});

describe('a URL with a password where none belongs', () => {
  it.each([
    'rest: { readThrough: [{ pattern: "a", url: "http://me:geheim@h/{key}" }] }',
    'kafka: { sasl: { mechanism: oauthbearer, clientId: a, clientSecret: b, tokenUrl: "https://me:geheim@h/" } }',
  ])('is refused, and not told: %s', (yaml) => {
    const problems = problemsOf(`${yaml}\n${oneSource()}`);
    expect(problems).toContainEqual(expect.stringContaining('holds a user or password'));
    expect(problems.join()).not.toContain('geheim');
  });
});

describe('a list inside a section', () => {
  const rule = (more: string): string => `rest:\n  readThrough:\n    - { pattern: "user:*"${more} }\n${oneSource()}`;

  it('is read like any other', () => {
    const config = load(rule(', url: "http://api/users/{2}", ttl: 5m'));
    expect(config.rest.readThrough).toEqual([
      { pattern: 'user:*', url: 'http://api/users/{2}', ttl: 300_000, timeout: 5_000 },
    ]);
    expect(load(printConfig(config)).rest).toEqual(config.rest);
  });

  it('has its mistakes told with their place', () => {
    expect(problemsOf(rule(', url: ftp://x'))).toEqual([
      expect.stringContaining('keyferry.yaml:3: rest.readThrough[0].url must be http:// or https://'),
    ]);
  });
});
