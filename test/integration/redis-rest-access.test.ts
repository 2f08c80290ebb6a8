import { request as httpRequest } from 'node:http';
import { describe, expect, test } from 'vitest';
import { RestFixture } from './redis-rest-fixture.ts';

const fixture = new RestFixture();
const TOKENS = { token: 'full', readOnlyToken: 'read' };

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('with a token', () => {
  test('nobody else is served, and learns why in the words of the protocol', async () => {
    const { post, client } = await fixture.start({}, TOKENS);
    for (const headers of [{}, bearer('wrong'), bearer(''), { authorization: 'full' }]) {
      const answer = await post('', ['GET', 'a'], headers);
      expect([answer.status, answer.json]).toEqual([401, { error: 'NOAUTH a valid bearer token is needed' }]);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
    await expect(client({ token: 'wrong' }).get('a')).rejects.toThrow(/NOAUTH/);
    expect(await client({ token: 'full' }).set('a', 1)).toBe('OK');
  });

  test('a body is not even read of who has none', async () => {
    const { post } = await fixture.start({ maxBodyBytes: 10 }, TOKENS);
    expect((await post('', ['SET', 'a', 'x'.repeat(1_000)])).status).toBe(401);
  });
});

describe('the read-only token', () => {
  test.for([
    ...['GET a', 'MGET a b', 'HGETALL h', 'ZRANGE z 0 -1', 'XRANGE s - +', 'XREAD STREAMS s 0', 'SCAN 0', 'TTL a'],
    ...[
      'DBSIZE',
      'PING',
      'TIME',
      'EVAL_RO return(1) 0',
      'OBJECT HELP',
      'XINFO HELP',
      'SCRIPT EXISTS x',
      'COMMAND COUNT',
    ],
  ])('may run %s', async (line, { skip }) => {
    skip(!(await fixture.knows(line.split(' ')[0] ?? '')), 'this server does not have it');
    const { post } = await fixture.start({}, TOKENS);
    const { status, json } = await post('', line.split(' '), bearer('read'));
    expect([status, json.error]).toEqual([200, undefined]);
  });

  test.for([
    ...['SET a 1', 'DEL a', 'EXPIRE a 1', 'GETDEL a', 'GETEX a', 'HSET h f v', 'XREADGROUP GROUP g c STREAMS s >'],
    ...['EVAL return(1) 0', 'EVALSHA x 0', 'FCALL f 0', 'SORT l', 'FLUSHALL', 'SWAPDB 0 1', 'PUBLISH c m'],
    ...['SCRIPT LOAD return(1)', 'SCRIPT FLUSH', 'FUNCTION FLUSH', 'XGROUP CREATE s g $', 'GEORADIUS g 1 1 1 m'],
  ])('may not run %s', async (line, { skip }) => {
    skip(!(await fixture.knows(line.split(' ')[0] ?? '')), 'this server does not have it');
    const { post } = await fixture.start({}, TOKENS);
    await fixture.redis.set('a', 'x');
    const { status, json } = await post('', line.split(' '), bearer('read'));
    expect([status, json.error]).toEqual([403, expect.stringMatching(/^NOPERM the read-only token may not run/)]);
    expect(await fixture.redis.get('a')).toBe('x');
  });

  test('gets the reads of a pipeline, and no transaction with a write in it', async () => {
    const { post } = await fixture.start({}, TOKENS);
    await fixture.redis.set('a', 'x');
    const commands = [
      ['GET', 'a'],
      ['SET', 'a', 'y'],
    ];
    expect((await post('/pipeline', commands, bearer('read'))).json).toEqual([
      { result: 'x' },
      { error: "NOPERM the read-only token may not run 'set'" },
    ]);
    expect((await post('/multi-exec', commands, bearer('read'))).status).toBe(403);
    expect(await fixture.redis.get('a')).toBe('x');
  });
});

describe('without a token', () => {
  /** fetch sets these headers itself. */
  const statusWith = async (headers: Record<string, string>): Promise<number> => {
    const { url } = await fixture.start();
    return new Promise((resolve, reject) => {
      const request = httpRequest(`${url}/set/a/b`, { headers }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      request.on('error', reject);
      request.end();
    });
  };

  test.each([
    ['a page of another site', { 'sec-fetch-site': 'cross-site' }],
    ['a page of another port of this host', { 'sec-fetch-site': 'same-site' }],
    ['a page of another origin', { origin: 'https://example.com' }],
    ['a page whose name was made to lead here', { host: 'rebound.example.com' }],
  ])('%s cannot write through a browser on this machine', async (_, headers) => {
    expect(await statusWith(headers)).toBe(401);
    expect(await fixture.redis.exists('a')).toBe(0);
  });

  test.each([
    ['a program', {}],
    ['a person at the address bar', { 'sec-fetch-site': 'none' }],
    ['who calls this host localhost', { host: 'localhost:8080' }],
    ['who calls this host by its IPv6 address', { host: '[::1]:8080' }],
  ])('%s can', async (_, headers) => {
    expect(await statusWith(headers)).toBe(200);
  });
});
