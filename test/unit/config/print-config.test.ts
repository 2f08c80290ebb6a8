import { describe, expect, it } from 'vitest';
import { printConfig } from '../../../src/config/print-config.ts';
import { load } from './helpers.ts';

const YAML = `redis: { url: "redis://me@h:1/2", passwordFile: /pw }
sources: [{ name: a, reconcileEvery: 90s, canaryEvery: 0, exclude: ["x:*"] }]
sinks: [{ name: s, topics: [t], group: g, redis: { url: "redis://:ge%40heim@other" } }]`;

describe('the printed configuration', () => {
  const config = load(YAML, { files: { '/pw': 'ge@heim' } });
  const printed = printConfig(config);

  it('shows no password, whether it came in the URL or from a file', () => {
    expect(printed).not.toMatch(/heim/);
    expect(printed).toContain('url: redis://me@h:1/2');
    expect(printed).toContain('passwordFile: /pw');
    expect(printed).toContain('url: redis://:***@other');
  });

  it('shows no secret that looks like a URL', () => {
    const yaml = `http: { token: "geheim:1" }\nredis: { password: "geheim:/2" }\n${YAML.split('\n').slice(1).join('\n')}`;
    expect(printConfig(load(yaml))).not.toContain('geheim');
  });

  it('shows URLs that hold no secret as they were written', () => {
    const rest = 'rest: { readThrough: [{ pattern: "a:*", url: "http://h/{1}?x={key}" }] }';
    expect(printConfig(load(`${rest}\n${YAML.split('\n').slice(1).join('\n')}`))).toContain('http://h/{1}?x={key}');
  });

  it('is a configuration again, the same but for the passwords', () => {
    const again = load(printed, { files: { '/pw': 'ge@heim' } });
    expect({ ...again, redis: config.redis, sinks: config.sinks }).toEqual(config);
  });

  it('writes durations as the file does', () => {
    expect(printed).toContain('reconcileEvery: 90s');
    expect(printed).toContain('canaryEvery: 0\n');
  });
});
