import { describe, expect, test } from 'vitest';
import { type LoggerOptions, createLogger } from '../../../src/observability/logger.ts';

const logging = (options: Pick<LoggerOptions, 'level' | 'format'>) => {
  const lines: string[] = [];
  const logger = createLogger({ ...options, destination: { write: (line: string) => lines.push(line) } });
  return { logger, lines };
};
const parsed = (line: string | undefined) => JSON.parse(line ?? '') as Record<string, unknown>;

describe('a logger', () => {
  test('writes one line of JSON an event, with time, level, fields and message', () => {
    const { logger, lines } = logging({ level: 'info', format: 'json' });
    logger.warn({ db: 3, waitMs: 50 }, 'Redis is away');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/\n$/);
    expect(parsed(lines[0])).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
      db: 3,
      waitMs: 50,
      msg: 'Redis is away',
    });
  });

  test('leaves out what lies below its level', () => {
    const { logger, lines } = logging({ level: 'warn', format: 'json' });
    logger.debug({}, 'a');
    logger.info({}, 'b');
    logger.error({}, 'c');
    expect(lines.map((line) => parsed(line)['msg'])).toEqual(['c']);
  });

  test('gives its children their fields', () => {
    const { logger, lines } = logging({ level: 'info', format: 'json' });
    logger.child({ source: 'all-keys' }).child({ db: 0 }).info({ keys: 2 }, 'reconciled');
    expect(parsed(lines[0])).toMatchObject({ source: 'all-keys', db: 0, keys: 2 });
  });

  test('hides secrets by the name of their field', () => {
    const { logger, lines } = logging({ level: 'info', format: 'json' });
    logger.info(
      { password: 'hunter2', http: { token: 'hunter2' }, kafka: { sasl: { password: 'hunter2' } } },
      'effective',
    );
    expect(lines.join()).not.toContain('hunter2');
    expect(parsed(lines[0])).toMatchObject({ password: '[redacted]', kafka: { sasl: { password: '[redacted]' } } });
  });

  test.each([
    ['redis://default:hunter2@cache:6379/0', 'redis://[redacted]@cache:6379/0'],
    ['redis://:hunter2@cache', 'redis://[redacted]@cache'],
    ['rediss://user:with/hunter2@and@cache', 'rediss://[redacted]@cache'],
    ['redis://user:quoted"hunter2@cache', 'redis://[redacted]@cache'],
    ['redis://cache:6379/0', 'redis://cache:6379/0'],
    ['file:///app/node_modules/@scope/index.js', 'file:///app/node_modules/@scope/index.js'],
  ])('hides the credentials of %s in fields, errors and messages', (url, shown) => {
    const { logger, lines } = logging({ level: 'info', format: 'json' });
    logger.info({ url, err: new Error(url) }, `connecting to ${url}`);
    expect(lines.join()).not.toContain('hunter2');
    expect(parsed(lines[0])).toMatchObject({ url: shown, err: { message: shown }, msg: `connecting to ${shown}` });
  });

  test('writes for people where it is asked to, with the secrets hidden too', () => {
    const { logger, lines } = logging({ level: 'info', format: 'pretty' });
    logger.info({ token: 'hunter2', url: 'redis://a:hunter2@b' }, 'hello');
    expect(lines.join('')).toMatch(/INFO.*hello/);
    expect(lines.join('')).not.toContain('hunter2');
  });
});
