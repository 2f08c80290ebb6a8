import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CommandError, ProducerError, UnconfirmedError } from '../../../src/client/producer-error.ts';
import { readAnswer } from '../../../src/client/rest-answer.ts';
import { commandRequest, manyRequest } from '../../../src/client/rest-request.ts';
import { parseCommand, parsePath } from '../../../src/rest/redis-rest/parse-request.ts';

const answer = (status: number, json: unknown, headers: Record<string, string> = {}) => ({
  status,
  headers: new Headers(headers),
  body: typeof json === 'string' ? json : JSON.stringify(json),
});

const failureOf = (action: () => unknown): unknown => {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
};

describe('a command as a request', () => {
  const argument = fc.oneof(fc.string(), fc.integer(), fc.uint8Array({ maxLength: 20 }));

  test('arrives at the server as it was, text or bytes', () => {
    fc.assert(
      fc.property(fc.array(argument, { maxLength: 5 }), (args) => {
        const isStep = (arg: string | number | Uint8Array): boolean =>
          ['.', '..'].includes(typeof arg === 'object' ? Buffer.from(arg).toString() : String(arg));
        fc.pre(!args.some(isStep));
        const { path, body } = commandRequest(['SET', ...args]);
        // As fetch sends it.
        const url = new URL(`http://keyferry${path}`);
        const sent =
          path === '/redis'
            ? parseCommand(Buffer.from(body as string))
            : parsePath(
                (url.pathname + url.search).slice('/redis/'.length),
                body === undefined ? undefined : Buffer.from(body),
              );
        const bytes = (arg: unknown): Buffer => Buffer.from(arg instanceof Uint8Array ? arg : String(arg));
        expect(sent.name).toBe('SET');
        expect(sent.args.map((arg) => Buffer.from(arg))).toEqual(args.map(bytes));
      }),
    );
  });

  test('carries the largest argument as the body, whatever stands behind it', () => {
    const { path, body } = commandRequest(['SET', 'key', Buffer.alloc(5_000), 'PX', 100, 'NX']);
    expect(path).toBe('/redis/SET/key?PX&100&NX');
    expect(body).toHaveLength(5_000);
  });

  test('is refused where it cannot travel', () => {
    expect(() => commandRequest(['SET', '..', Buffer.alloc(3)])).toThrow('cannot be arguments');
    expect(() => manyRequest('pipeline', [['SET', 'k', Buffer.from([0xff])]])).toThrow('travels alone');
  });
});

describe('an answer', () => {
  test('gives results as text or as bytes, whichever way they came', () => {
    const base64 = { 'upstash-encoding': 'base64' };
    expect(readAnswer(answer(200, { result: 'ü' }), 'text').result).toBe('ü');
    expect(readAnswer(answer(200, { result: '/w==' }, base64), 'bytes').result).toEqual(Buffer.from([0xff]));
    expect(readAnswer(answer(200, { result: 'YQ==' }, base64), 'text').result).toBe('a');
    expect(readAnswer(answer(200, { result: 'OK' }, base64), 'text').result).toBe('OK');
    expect(readAnswer(answer(200, { result: [1, null, ['x']] }), 'text').result).toEqual([1, null, ['x']]);
  });

  test('has an error in the place of a command that failed, in a pipeline', () => {
    const { result } = readAnswer(answer(200, [{ result: 1 }, { error: 'WRONGTYPE no' }]), 'text');
    expect(result).toEqual([1, new CommandError('WRONGTYPE no')]);
  });

  test('says where Kafka has each key', () => {
    const headers = {
      'keyferry-records': 'redis.0/3@1234;key=user%3A42, acknowledged;key=%FF',
      'keyferry-records-left-out': '7',
    };
    expect(readAnswer(answer(200, { result: 'OK' }, headers), 'text')).toMatchObject({
      records: [
        { keyText: 'user:42', place: { topic: 'redis.0', partition: 3, offset: 1234n } },
        { key: Buffer.from([0xff]), place: undefined },
      ],
      recordsLeftOut: 7,
    });
  });

  test('that Kafka was too slow for says that the write is done, with its result', () => {
    const json = { error: 'UNCONFIRMED the write is applied', applied: { result: 5 } };
    const error = failureOf(() => readAnswer(answer(504, json), 'text'));
    expect(error).toBeInstanceOf(UnconfirmedError);
    expect(error).toMatchObject({ code: 'UNCONFIRMED', applied: 'yes', result: 5 });
  });

  test.each([
    [400, 'ERR syntax error', 'REFUSED', 'no'],
    [401, 'NOAUTH a valid bearer token is needed', 'UNAUTHORIZED', 'no'],
    [403, 'NOPERM the read-only token may not', 'UNAUTHORIZED', 'no'],
    [503, 'UNAVAILABLE Redis is away; nothing was sent to it', 'UNAVAILABLE', 'no'],
    [503, 'UNAVAILABLE gone; whether the command ran is not known', 'UNAVAILABLE', 'unknown'],
    [502, 'ORIGIN the origin answered 500', 'ORIGIN', 'no'],
  ])('of %i %s is told by its code, and whether anything was done', (status, message, code, applied) => {
    const error = failureOf(() => readAnswer(answer(status, { error: message }), 'text'));
    expect(error).toBeInstanceOf(ProducerError);
    expect(error).toMatchObject({ code, applied, message });
  });

  test('of something that is no Keyferry is not taken for a result', () => {
    expect(failureOf(() => readAnswer(answer(200, '<html>'), 'text'))).toMatchObject({ code: 'PROTOCOL' });
    const notFound = answer(404, { error: { code: 'not_found', message: 'POST /redis does not exist' } });
    expect(failureOf(() => readAnswer(notFound, 'text'))).toMatchObject({ code: 'PROTOCOL' });
    expect(failureOf(() => readAnswer(answer(502, '<html>'), 'text'))).toMatchObject({
      code: 'UNAVAILABLE',
      applied: 'unknown',
    });
  });
});
