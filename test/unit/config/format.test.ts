import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { broker, glob, redisUrl, topicName, topicTemplate } from '../../../src/config/domain-formats.ts';
import {
  type Format,
  aboveZero,
  boolean,
  duration,
  integer,
  lifetime,
  lifetimeAboveZero,
  listOf,
  oneOf,
  share,
  text,
} from '../../../src/config/format.ts';

const accepted: readonly (readonly [string, Format<unknown>, unknown, unknown])[] = [
  ['a duration in milliseconds', duration, '250ms', 250],
  ['a duration in seconds', duration, '30s', 30_000],
  ['a duration in minutes', duration, '5m', 300_000],
  ['a duration in hours', duration, '1h', 3_600_000],
  ['the longest duration', duration, '24d', 2_073_600_000],
  ['0 as a duration, from YAML', duration, 0, 0],
  ['the longest life of a key', lifetime, '3650d', 315_360_000_000],
  ['0 as a life without end', lifetime, '0', 0],
  ['0 as a duration, from the environment', duration, '0', 0],
  ['an integer from YAML', integer(1, 9), 9, 9],
  ['an integer from the environment', integer(1, 9), '9', 9],
  ['a share from YAML', share, 0.25, 0.25],
  ['a share from the environment', share, '.5', 0.5],
  ['all of it', share, '1', 1],
  ['true from YAML', boolean, true, true],
  ['false from the environment', boolean, 'false', false],
  ['one of its values', oneOf(['json', 'dump']), 'dump', 'dump'],
  ['a list from YAML', listOf(text), ['a', 'b,c'], ['a', 'b,c']],
  ['a list from the environment', listOf(text), ' a, b ', ['a', 'b']],
  ['a single number as a list', listOf(integer(0, 9)), 3, [3]],
  ['an empty list where it may be', listOf(text, 0), '', []],
  ['a topic name', topicName, 'redis.0_x-Y', 'redis.0_x-Y'],
  ['a topic template', topicTemplate, '{source}.{db}.{type}.{1}-{12}', '{source}.{db}.{type}.{1}-{12}'],
  ['a glob with a set and an escape', glob, 'a[^b-d]?\\[*', 'a[^b-d]?\\[*'],
  ['a broker by name', broker, 'kafka-0.kafka:9092', 'kafka-0.kafka:9092'],
  ['a broker by IPv6', broker, '[::1]:9092', '[::1]:9092'],
  ['a Redis URL', redisUrl, 'redis://me:p%40ss@db.local:6380/15', 'redis://me:p%40ss@db.local:6380/15'],
];

const refused: readonly (readonly [string, Format<unknown>, unknown, RegExp])[] = [
  ['a duration without unit', duration, 30, /must be a duration: 250ms, 30s/],
  ['a duration of an unknown unit', duration, '1w', /must be a duration/],
  ['a duration with a sign', duration, '-1s', /must be a duration/],
  ['a duration that overflows a timer', duration, '25d', /at most 24d/],
  ['0 where it has no meaning', aboveZero, 0, /at most 24d; not 0/],
  ['0 with a unit where it has no meaning', lifetimeAboveZero, '0s', /not 0/],
  ['a life of more than ten years', lifetime, '3651d', /at most 3650d/],
  ['a fraction for an integer', integer(1, 9), 1.5, /an integer from 1 to 9/],
  ['a number too small', integer(1, 9), 0, /an integer from 1 to 9/],
  ['more than all', share, 1.5, /a number from 0 to 1/],
  ['a share with a tail', share, '0.5x', /a number from 0 to 1/],
  ['percent', share, '50%', /a number from 0 to 1/],
  ['digits with a tail', integer(1, 9), '5x', /an integer from 1 to 9/],
  ['yes for true', boolean, 'yes', /true or false/],
  ['a number for text', text, 5, /quote it/],
  ['an empty text', text, '', /not empty/],
  ['an unknown value', oneOf(['json', 'dump']), 'xml', /one of json, dump/],
  ['an empty list', listOf(text), [], /at least one/],
  ['a bad item, by its place', listOf(integer(0, 9)), [1, 'x'], /item 2 must be an integer/],
  ['an item twice', listOf(text), ['a', 'a'], /names a twice/],
  ['a slash in a topic', topicName, 'a/b', /a Kafka topic name/],
  ['two dots for a topic', topicName, '..', /a Kafka topic name/],
  ['a topic of 250 characters', topicName, 'x'.repeat(250), /at most 249/],
  ['an unknown placeholder', topicTemplate, 'x.{key}', /unknown placeholder \{key\}/],
  ['part zero of the key', topicTemplate, 'x.{0}', /unknown placeholder \{0\}/],
  ['a brace that stays open', topicTemplate, 'x.{db', /"\{" or "\}" without the other/],
  ['an open bracket in a glob', glob, 'a[b', /"\[" without its "\]"/],
  ['a lone backslash at the end of a glob', glob, 'a\\', /lone "\\"/],
  ['an empty glob', glob, '', /Redis glob/],
  ['a broker without port', broker, 'kafka', /host:port/],
  ['a broker with an impossible port', broker, 'kafka:65536', /host:port/],
  ['a broker with a scheme', broker, 'tcp://kafka:9092', /host:port/],
  ['a URL of something else', redisUrl, 'http://127.0.0.1', /redis:\/\//],
  ['a Redis URL without host', redisUrl, 'redis://', /redis:\/\//],
  ['a Redis URL with a path', redisUrl, 'redis://h/x', /database/],
  ['a Redis URL with a broken escape', redisUrl, 'redis://me:%zz@h', /redis:\/\//],
];

describe('formats', () => {
  it.each(accepted)('takes %s', (_, format, raw, value) => {
    expect(format.parse(raw)).toEqual(value);
  });

  it.each(refused)('refuses %s, and says what is expected', (_, format, raw, message) => {
    expect(() => format.parse(raw)).toThrow(message);
  });

  it('writes any duration so that it reads back as the same', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 24 * 86_400_000 }), (ms) => {
        expect(duration.parse(duration.show(ms))).toBe(ms);
      }),
    );
  });

  it('writes a duration in its largest whole unit', () => {
    expect([0, 1, 1_500, 90_000, 3_600_000, 172_800_000].map((ms) => duration.show(ms))).toEqual([
      0,
      '1ms',
      '1500ms',
      '90s',
      '1h',
      '2d',
    ]);
  });
});
