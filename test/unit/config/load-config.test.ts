import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load-config.ts';
import { FILE, load, oneSource, problemsOf } from './helpers.ts';

describe('a configuration', () => {
  it('takes every default from the schema', () => {
    expect(load(oneSource())).toEqual({
      redis: {
        url: 'redis://127.0.0.1:6379',
        topology: 'standalone',
        nodes: [],
        sentinelName: 'mymaster',
        tls: { enabled: false },
      },
      kafka: { brokers: ['127.0.0.1:9092'], clientId: 'keyferry', client: 'platformatic' },
      sources: [
        {
          name: 'all',
          type: 'keyspace',
          databases: [0],
          include: ['*'],
          exclude: [],
          topic: 'redis.{db}',
          partitions: 6,
          format: 'json',
          maxValueBytes: 1_000_000,
          maxPendingBytes: 64_000_000,
          notifications: 'manage',
          reconcileEvery: 3_600_000,
          canaryEvery: 10_000,
        },
      ],
      sinks: [],
      http: {
        host: '127.0.0.1',
        port: 8080,
        allowUnauthenticated: false,
        rateLimit: 0,
        maxBodyBytesInFlight: 100_000_000,
        showValues: false,
        clientTimeout: 10_000,
      },
      rest: { enabled: true, database: 0, ackTimeout: 10_000, maxBodyBytes: 10_000_000, readThrough: [] },
      state: { path: './keyferry-state' },
      tracing: { enabled: false, sampleRatio: 1 },
      log: { level: 'info', format: 'auto' },
    });
  });

  it('is frozen all the way down', () => {
    const config = load(oneSource());
    expect([config, config.kafka.brokers, config.sources, config.sources[0]].every(Object.isFrozen)).toBe(true);
  });

  it('takes a key without a value for one that is not there', () => {
    expect(load(`http:\nkafka:\n  brokers:\n${oneSource('topic:')}`).sources[0]?.topic).toBe('redis.{db}');
  });

  it('is filled from the environment inside the file, in lists and numbers too', () => {
    const yaml = `kafka: { brokers: ["\${A}", "b:2"] }\nhttp: { port: "\${PORT}" }\n${oneSource()}`;
    const config = load(yaml, { environment: { A: 'a:1', PORT: '0' } });
    expect([config.kafka.brokers, config.http.port]).toEqual([['a:1', 'b:2'], 0]);
  });

  it('gives a variable of the environment precedence over the file, in elements of lists as well', () => {
    const environment = {
      KEYFERRY_REDIS_URL: 'redis://other:1',
      KEYFERRY_KAFKA_BROKERS: 'a:1,b:2',
      KEYFERRY_SOURCES_0_RECONCILE_EVERY: '0',
      KEYFERRY_SOURCES_0_DATABASES: '1,2',
      KEYFERRY_LOG_LEVEL: '',
    };
    const config = load(`redis: { url: redis://file }\nlog: { level: warn }\n${oneSource()}`, { environment });
    expect(config.redis.url).toBe('redis://other:1');
    expect(config.kafka.brokers).toEqual(['a:1', 'b:2']);
    expect(config.sources[0]).toMatchObject({ reconcileEvery: 0, databases: [1, 2] });
    expect(config.log.level).toBe('warn');
  });

  it('ignores variables that it does not know: orchestrators set some for services of that name', () => {
    expect(() => load(oneSource(), { environment: { KEYFERRY_PORT: 'tcp://10.0.0.1:80' } })).not.toThrow();
  });

  it('takes the databases of sources and sinks from the URL where they name none', () => {
    const config = load(`redis: { url: redis://h/3 }
${oneSource()}
sinks:
  - { name: same, topics: [t], group: a }
  - { name: other, topics: [t], group: b, redis: { url: redis://other/5 } }
  - { name: told, topics: [t], group: c, redis: { url: redis://other/5 }, database: 7 }`);
    expect(config.sources[0]).toMatchObject({ databases: [3] });
    expect(config.sinks.map(({ redis, database }) => [redis.url, database])).toEqual([
      ['redis://h/3', 3],
      ['redis://other/5', 5],
      ['redis://other/5', 7],
    ]);
  });
});

describe('a secret', () => {
  it('stays in its file, to be read for each connection', () => {
    const yaml = `redis: { url: "redis://me@h:1/2", passwordFile: /run/pw }\n${oneSource()}`;
    const { url, passwordFile } = load(yaml, { files: { '/run/pw': 'geheim\n' } }).redis;
    expect([url, passwordFile]).toEqual(['redis://me@h:1/2', '/run/pw']);
  });

  it('in a key of its own comes to stand in the URL, escaped', () => {
    const { url } = load(`redis: { url: "redis://me@h:1/2", password: "p@s/s%41" }\n${oneSource()}`).redis;
    expect(url).toBe('redis://me:p%40s%2Fs%2541@h:1/2');
    expect(decodeURIComponent(new URL(url).password)).toBe('p@s/s%41');
  });

  it('may stand in a key or a variable of its own', () => {
    expect(load(`redis: { password: geheim }\n${oneSource()}`).redis.url).toBe('redis://:geheim@127.0.0.1:6379');
    const environment = { KEYFERRY_REDIS_PASSWORD: 'geheim' };
    expect(load(oneSource(), { environment }).redis.url).toBe('redis://:geheim@127.0.0.1:6379');
  });

  it('of a sink is its own', () => {
    const yaml = `redis: { password: one }
sinks:
  - { name: s, topics: [t], group: g, redis: { url: redis://other, passwordFile: /pw } }`;
    expect(load(yaml, { files: { '/pw': 'two' } }).sinks[0]?.redis).toMatchObject({
      url: 'redis://other',
      passwordFile: '/pw',
    });
  });

  it.each([
    ['two of them', 'redis: { password: a, passwordFile: /pw }', /passwordFile .* remove one/],
    ['one in the URL and one beside it', 'redis: { url: "redis://:a@h", password: b }', /redis\.url has a password/],
    ['a file that is not there', 'redis: { passwordFile: /nope }', /passwordFile cannot be read: ENOENT/],
    ['a file that is empty', 'redis: { passwordFile: /empty }', /passwordFile \/empty is empty/],
    [
      'one without a server',
      'sinks: [{ name: s, topics: t, group: g, redis: { password: x } }]',
      /redis\.url is missing/,
    ],
  ])('is refused: %s', (_, yaml, expected) => {
    const sources = yaml.startsWith('sinks') ? '' : oneSource();
    expect(problemsOf(`${yaml}\n${sources}`, { files: { '/pw': 'x', '/empty': '\n' } })).toEqual([
      expect.stringMatching(expected),
    ]);
  });

  it('is never quoted in a message', () => {
    const urls = ['http://:geheim@h', 'redis://:geheim@h/x', 'redis://:geheim@h:99999'];
    for (const url of urls) {
      const problems = problemsOf(`redis: { url: "${url}" }\n${oneSource()}`);
      expect(problems).toHaveLength(1);
      expect(problems[0]).not.toContain('geheim');
    }
    expect(problemsOf(`redis: { password: *geheim }\n${oneSource()}`).join()).not.toContain('geheim');
  });
});

describe('a mistake', () => {
  it.each([
    ['unknown at the top', 'source: []', `${FILE}:1: source is unknown: remove it; the nearest known key is sources`],
    [
      'unknown in a section',
      'log: { levle: info }',
      'log.levle is unknown: remove it; the nearest known key is log.level',
    ],
    ['unknown in an element', oneSource('topik: x'), 'the nearest known key is sources[0].topic'],
    ['of a name that objects have', 'log: { constructor: 1 }', 'log.constructor is unknown'],
  ])('is a key that is %s, told with the nearest known one', (_, yaml, expected) => {
    const source = yaml.startsWith('sources') ? '' : oneSource();
    expect(problemsOf(`${yaml}\n${source}`)).toEqual([expect.stringContaining(expected)]);
  });

  it.each([
    ['two sources of one name', 'sources: [{ name: a }, { name: a }]', 'sources[1].name is a, as that of sources[0]'],
    [
      'two sinks of one group',
      'sinks: [{ name: a, topics: t, group: g }, { name: b, topics: t, group: g }]',
      'sinks[1].group is g, as that of sinks[0]',
    ],
    [
      'a dead-letter topic that the sink reads',
      'sinks: [{ name: a, topics: [t, d], group: g, deadLetter: d }]',
      "sinks[0].deadLetter must be none of the sink's topics",
    ],
    [
      'one topic for the same key of two databases',
      'sources: [{ name: a, databases: [0, 1], topic: all }]',
      'sources[0].topic must contain {db}: the source carries the databases 0, 1',
    ],
    [
      'a cluster without nodes',
      `redis: { topology: cluster }\n${oneSource()}`,
      'redis.nodes is empty: give some nodes',
    ],
    [
      'another database of a cluster',
      `redis: { topology: cluster, nodes: "a:1" }\n${oneSource('databases: [1]')}`,
      'sources[0].databases is 1, and a cluster has database 0 only',
    ],
    ['neither source nor sink', 'redis: {}', 'give at least one of either'],
    [
      'an open door',
      `http: { host: 0.0.0.0 }\n${oneSource()}`,
      'http.host is 0.0.0.0, which others reach, and nothing protects the interface',
    ],
    ['a section that is none', `kafka: 5\n${oneSource()}`, 'kafka must be a mapping'],
    ['a list that is none', 'sources: 5', 'sources must be a list'],
    ['an element that is none', 'sources: [5]', 'sources[0] must be a mapping'],
    ['a mapping for a text', oneSource('topic: { a: b }'), 'sources[0].topic must be a topic name'],
    ['something missing', 'sinks: [{ name: a, topics: t }]', 'sinks[0].group is missing: give'],
    ['an unset variable', oneSource('topic: ${NOPE}'), 'sources[0].topic needs the environment variable NOPE'],
    ['no YAML', 'sources: [a', 'is no YAML'],
    ['a key twice', `${oneSource()}\nsources: []`, 'is no YAML: Map keys must be unique'],
    ['references in brackets without quotes', 'kafka: { brokers: [${B}] }', 'inside [ ] and { }, write "${VAR}"'],
  ])('is %s', (_, yaml, expected) => {
    expect(problemsOf(yaml)).toContainEqual(expect.stringContaining(expected));
  });

  it('is told with its line, and all of them at once', () => {
    const yaml = [
      'log:',
      '  level: loud',
      'http:',
      '  port: 99999',
      'sources:',
      '  - topic: a b',
      '  - name: b',
      '    partitions: 0',
    ];
    expect(problemsOf(yaml.join('\n'))).toEqual([
      `${FILE}:4: http.port must be an integer from 0 to 65535: value was 99999`,
      `${FILE}:2: log.level must be one of debug, info, warn, error: value was "loud"`,
      expect.stringMatching(`^${FILE}:6: sources\\[0\\]\\.name is missing: give a name`),
      expect.stringMatching(`^${FILE}:6: sources\\[0\\]\\.topic must be a topic name .*: value was "a b"$`),
      `${FILE}:8: sources[1].partitions must be an integer from 1 to 10000`,
    ]);
  });

  it('in a variable is told with the name of the variable', () => {
    expect(problemsOf(oneSource(), { environment: { KEYFERRY_SOURCES_0_FORMAT: 'xml' } })).toEqual([
      'KEYFERRY_SOURCES_0_FORMAT: sources[0].format must be one of json, dump: value was "xml"',
    ]);
  });

  it('is a file that is not there', () => {
    const readFile = (): string => {
      throw new Error('ENOENT');
    };
    expect(() => loadConfig({ file: FILE, environment: {}, readFile })).toThrow(`${FILE} cannot be read: ENOENT`);
  });
});
