import { describe, expect, it } from 'vitest';
import { type Check, fail, failure, line, ok, runChecks, warn } from '../../../src/cli/checks/finding.ts';
import { type CheckedSource, originFindings, topicFindings } from '../../../src/cli/checks/kafka-checks.ts';
import { bufferFindings } from '../../../src/cli/checks/redis-checks.ts';
import { keyspaceNeeds } from '../../../src/cli/checks/keyspace-needs.ts';
import { sinkNeeds } from '../../../src/cli/checks/sink-needs.ts';
import { sharedTopics } from '../../../src/cli/checks/topic-claims.ts';
import { KeyferryError } from '../../../src/core/errors.ts';
import { REPLACE } from '../../../src/kafka-to-redis/apply/replace-script.ts';
import { KEYS_EXIST, READ_KEYS } from '../../../src/redis-to-kafka/converge/read-keys-script.ts';

const SUBJECT = 'redis h:1';

describe('a finding', () => {
  it('is one line: level, subject, what, and what to do', () => {
    expect(line(ok(SUBJECT, 'answers'))).toBe('ok    redis h:1  answers');
    expect(line(warn(SUBJECT, 'is slow', 'wait'))).toBe('warn  redis h:1  is slow  -> wait');
    expect(line(fail(SUBJECT, 'is gone', 'look'))).toBe('FAIL  redis h:1  is gone  -> look');
  });

  it('of an unreachable server or a refused login says so, of anything else not', () => {
    expect(failure(SUBJECT, new KeyferryError('KF_REDIS_UNAVAILABLE', 'away'), 'x').outOfReach).toBe(true);
    expect(failure(SUBJECT, new KeyferryError('KF_KAFKA_AUTH', 'no'), 'x').outOfReach).toBe(true);
    expect(failure(SUBJECT, new KeyferryError('KF_REDIS_REFUSED', 'no'), 'x')).toEqual(fail(SUBJECT, 'no', 'x'));
  });
});

describe('checks', () => {
  it('are all made, though one of them breaks', async () => {
    const broken: Check<{ subject: string }> = {
      name: 'luck',
      run: () => {
        throw new Error('bad luck');
      },
    };
    const fine: Check<{ subject: string }> = { name: 'life', run: ({ subject }) => [ok(subject, 'lives')] };
    expect(await runChecks([broken, fine], { subject: SUBJECT })).toEqual([
      fail(SUBJECT, 'bad luck', 'the check of luck could not be made: see the message'),
      ok(SUBJECT, 'lives'),
    ]);
  });
});

describe('the output buffer', () => {
  const findings = (pubsub: string) => bufferFindings(SUBJECT, `normal 0 0 0 slave 1 1 60 pubsub ${pubsub}`);

  it.each([
    ["Redis' own default", '33554432 8388608 60', ['warn']],
    ['what is advised', '268435456 134217728 60', []],
    ['no limit', '0 0 0', []],
    ['a soft limit alone that is small', '0 8388608 60', ['warn']],
    ['next to nothing', '65536 32768 60', ['FAIL']],
  ])('of %s gives %j', (_, pubsub, levels) => {
    expect(findings(pubsub).map(({ level }) => level)).toEqual(levels);
  });
});

const SOURCE: CheckedSource = {
  name: 'all',
  databases: [0],
  topic: 'redis.{db}',
  partitions: 6,
  maxValueBytes: 1_000_000,
};

describe('a topic of a source', () => {
  const findings = (config: Record<string, string>, partitions = 6): readonly string[] => {
    const described = { name: 'redis.0', partitions, replicationFactor: 1, config: new Map(Object.entries(config)) };
    return topicFindings(described, SOURCE).map(line);
  };

  it('is fine as Keyferry creates it', () => {
    const found = findings({ 'cleanup.policy': 'compact', 'max.message.bytes': '1048588' });
    expect(found).toEqual(['ok    topic redis.0  is compacted, 6 partitions']);
  });

  it.each([
    ['fails where it is not compacted', { 'cleanup.policy': 'delete' }, /^FAIL .* is not compacted .*policy=compact$/],
    [
      'warns where it also deletes by age',
      { 'cleanup.policy': 'compact,delete' },
      /^warn .* drop records that are too old/,
    ],
    [
      'warns where it takes less than the source publishes',
      { 'cleanup.policy': 'compact', 'max.message.bytes': '1000000' },
      /^warn .* takes records up to 1000000 bytes.*write maxValueBytes: 983616, or .*max\.message\.bytes=1016384$/,
    ],
  ])('%s', (_, config, expected) => {
    expect(findings(config)).toEqual([expect.stringMatching(expected)]);
  });

  it('warns where its partitions are others than configured', () => {
    const found = findings({ 'cleanup.policy': 'compact' }, 3);
    expect(found).toEqual([expect.stringMatching(/^warn .* has 3 partitions, .* says 6 {2}-> write partitions: 3/)]);
  });
});

describe('origins on a topic', () => {
  const levels = (latest: Record<string, number>, own?: string): readonly string[] =>
    originFindings('t', new Map(Object.entries(latest)), own).map(({ level }) => level);

  it('are fine where there are none but our own', () => {
    expect([levels({}), levels({}, 'me'), levels({ me: 1 }, 'me')]).toEqual([[], [], []]);
  });

  it('fail where another wrote after us, or where we have none yet', () => {
    expect(levels({ me: 1, other: 2 }, 'me')).toEqual(['FAIL']);
    expect(levels({ other: 2 }, 'me')).toEqual(['FAIL']);
    expect(levels({ other: 2 })).toEqual(['FAIL']);
  });

  it('warn where another wrote before us: it may have been this Redis before a flush', () => {
    expect(levels({ me: 3, other: 2 }, 'me')).toEqual(['warn']);
  });
});

describe('sources that share a topic', () => {
  const shared = (sources: readonly { topic: string; databases?: number[] }[], existing: string[] = []) =>
    sharedTopics(
      sources.map((source, at) => ({ name: `s${at}`, databases: [0], ...source })),
      existing,
    ).map(({ subject }) => subject);

  it.each([
    ['none', [{ topic: 'a.{db}' }, { topic: 'b.{db}' }], [], []],
    ['two of one name', [{ topic: 'a' }, { topic: 'a' }], [], ['topic a']],
    ['two whose templates come to the same', [{ topic: 'a.{db}' }, { topic: 'a.0' }], [], ['topic a.0']],
    ['none where {source} tells them apart', [{ topic: '{source}' }, { topic: '{source}' }], [], []],
    ['a name that a template can give', [{ topic: 'a.{1}' }, { topic: 'a.x' }], [], ['topic a.x']],
    [
      'a topic that exists and both templates can give',
      [{ topic: 'a.{1}' }, { topic: '{type}.b' }],
      ['a.b', 'c'],
      ['topic a.b'],
    ],
    ['none of several databases of one source', [{ topic: 'a.{db}', databases: [0, 1] }], ['a.0', 'a.1'], []],
  ])('are found: %s', (_, sources, existing, expected) => {
    expect(shared(sources, existing)).toEqual(expected);
  });
});

/** Words of the scripts in capitals that are no commands, and PTTL, which only a Redis older than 7 is sent. */
const ARGUMENTS = new Set(
  'PTTL COUNT WITHSCORES FIELDS SAMPLES USAGE ENCODING STREAM GROUPS CREATE DESTROY MKSTREAM PXAT REPLACE ABSTTL WRONGTYPE'.split(
    ' ',
  ),
);

describe('the list of commands that the daemon needs', () => {
  const needs = [
    ...keyspaceNeeds({ include: ['*'], notifications: 'manage' }),
    ...sinkNeeds({ format: 'keyferry' }),
    ...sinkNeeds({ format: 'json', as: 'string', key: 'k', expire: 1, push: 'left' }),
  ];
  const listed = new Set(needs.flatMap(({ commands }) => commands.map(([name]) => name)));

  it.each([
    ['reads keys', READ_KEYS.lua],
    ['looks which keys exist', KEYS_EXIST.lua],
    ['writes keys', REPLACE.lua],
  ])('has every command of the script that %s', (_, lua) => {
    const words = [...lua.matchAll(/'([A-Z][A-Z.]{2,})'/g)].map(([, name]) => name ?? '');
    const called = words.filter((name) => !ARGUMENTS.has(name));
    expect(called.length).toBeGreaterThan(0);
    expect(called.filter((name) => !listed.has(name))).toEqual([]);
  });
});
