import { describe, expect, test } from 'vitest';
import { RestFixture, answerOf } from './redis-rest-fixture.ts';

const fixture = new RestFixture();

/** Every byte there is: no UTF-8. */
const BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

describe('the client @upstash/redis, unchanged', () => {
  test('writes and reads every kind of reply', async () => {
    const redis = (await fixture.start()).client();
    expect(await redis.set('string', 'grün')).toBe('OK');
    expect(await redis.get('string')).toBe('grün');
    expect(await redis.get('absent')).toBeNull();
    expect(await redis.set('object', { nested: [1, { deep: null }] })).toBe('OK');
    expect(await redis.get('object')).toEqual({ nested: [1, { deep: null }] });
    expect(await redis.set('flag', true)).toBe('OK');
    expect(await fixture.redis.get('flag')).toBe('true');
    expect(await redis.incrby('number', 41)).toBe(41);
    expect(await redis.incrbyfloat('number', 0.5)).toBe(41.5);
    expect(await redis.set('says-ok', 'OK')).toBe('OK');
    expect([await redis.get('says-ok'), await redis.mget('says-ok', 'absent')]).toEqual(['OK', ['OK', null]]);
    expect(await redis.hset('hash', { a: 1, b: 'zwei' })).toBe(2);
    expect(await redis.hgetall('hash')).toEqual({ a: 1, b: 'zwei' });
    expect(await redis.rpush('list', 'x', '', 'z')).toBe(3);
    expect(await redis.lrange('list', 0, -1)).toEqual(['x', '', 'z']);
    expect(await redis.zadd('zset', { score: 1.5, member: 'm' })).toBe(1);
    expect(await redis.zrange('zset', 0, -1, { withScores: true })).toEqual(['m', 1.5]);
    expect(await redis.eval('return {1, {KEYS[1], {ARGV[1]}}}', ['k'], ['v'])).toEqual([1, ['k', ['v']]]);
    const id = await redis.xadd('stream', '*', { field: 'value' });
    expect(await redis.xrange('stream', '-', '+')).toEqual({ [id]: { field: 'value' } });
    expect(await redis.ping()).toBe('PONG');
    expect(await redis.del('string', 'object', 'absent')).toBe(2);
    expect(await redis.dbsize()).toBe(7);
  });

  test('keeps integers beyond 2^53 to their last digit, both ways', async () => {
    const redis = (await fixture.start()).client();
    await redis.set('counter', '9007199254740992');
    expect(await redis.incr('counter')).toBe('9007199254740993');
    expect(await redis.get('counter')).toBe('9007199254740993');
    const { post } = await fixture.start();
    expect((await post('', '["INCRBY","counter",9007199254740993]')).json).toEqual({ result: '18014398509481986' });
    expect((await post('', '["SET","decimals",1.10]')).json).toEqual({ result: 'OK' });
    expect(await fixture.redis.get('decimals')).toBe('1.10');
  });

  test('pipelines, and gets errors in their places', async () => {
    const redis = (await fixture.start()).client();
    const pipeline = redis.pipeline().set('a', 1).lpush('a', 'x').get('a');
    const replies = await pipeline.exec({ keepErrors: true });
    expect(replies.map(({ result }) => result)).toEqual(['OK', undefined, 1]);
    expect(replies[1].error).toMatch(/^WRONGTYPE/);
    await expect(redis.pipeline().set('a', 1).lpush('a', 'x').exec()).rejects.toThrow(/Command 2 .* WRONGTYPE/);
  });

  test('pipelines by itself', async () => {
    const { client, metrics } = await fixture.start();
    const redis = client({ autoPipelining: true });
    const written = await Promise.all(Array.from({ length: 50 }, (_, n) => redis.set(`k${n}`, n)));
    expect(new Set(written)).toEqual(new Set(['OK']));
    expect(await Promise.all(Array.from({ length: 50 }, (_, n) => redis.get(`k${n}`)))).toEqual(
      Array.from({ length: 50 }, (_, n) => n),
    );
    expect(await metrics.text()).toContain('keyferry_rest_requests_total{route="pipeline",status="2xx"} 2');
  });

  test('runs transactions, whole or not at all', async () => {
    const redis = (await fixture.start()).client();
    expect(await redis.multi().set('a', 1).incr('a').get('a').exec()).toEqual(['OK', 2, 2]);
    const failing = redis.multi().set('b', 'x').incr('b').set('c', 1);
    const replies = await failing.exec({ keepErrors: true });
    expect(replies.map(({ error }) => error?.split(' ')[0])).toEqual([undefined, 'ERR', undefined]);
    expect(await redis.get('c')).toBe(1);
  });

  test('meets the words of Redis in its errors', async () => {
    const redis = (await fixture.start()).client();
    await redis.set('string', 'x');
    await expect(redis.lpush('string', 'y')).rejects.toThrow(/^WRONGTYPE Operation against a key/);
    await expect(redis.eval('return redis.error_reply("MINE own")', [], [])).rejects.toThrow(/^MINE own/);
  });

  test('works without base64 too', async () => {
    const redis = (await fixture.start()).client({ base64: false });
    expect(await redis.set('k', 'grün')).toBe('OK');
    expect(await redis.get('k')).toBe('grün');
    expect(await redis.mget('k', 'absent')).toEqual(['grün', null]);
  });
});

describe('transactions on the connection that all share', () => {
  test('no command of another request comes between MULTI and EXEC', async () => {
    const { post } = await fixture.start();
    const transaction = [['SET', 'seen', '0'], ...Array.from({ length: 20 }, () => ['INCR', 'seen']), ['GET', 'seen']];
    const others = Array.from({ length: 60 }, () => post('', ['SET', 'seen', 'broken']));
    const answers = await Promise.all(Array.from({ length: 20 }, () => post('/multi-exec', transaction)));
    await Promise.all(others);
    for (const { json } of answers) {
      expect((json as unknown as { result: unknown }[]).at(-1)).toEqual({ result: '20' });
    }
  });

  test('a transaction that Redis refuses while queueing changes nothing', async () => {
    const { post } = await fixture.start();
    const { status, json } = await post('/multi-exec', [['SET', 'a', '1'], ['GET']]);
    expect([status, json.error]).toEqual([
      400,
      expect.stringMatching(/^EXECABORT none of the commands ran: ERR wrong/),
    ]);
    expect(await fixture.redis.exists('a')).toBe(0);
    expect((await post('', ['PING'])).json).toEqual({ result: 'PONG' });
  });

  test('a transaction with a command that is not served is not sent at all', async () => {
    const { post } = await fixture.start();
    const { status, json } = await post('/multi-exec', [
      ['SET', 'a', '1'],
      ['SUBSCRIBE', 'c'],
    ]);
    expect([status, json.error]).toEqual([400, expect.stringContaining("'subscribe' is not served over HTTP")]);
    expect(await fixture.redis.exists('a')).toBe(0);
  });
});

describe('commands in paths', () => {
  const request = async (path: string, init?: RequestInit) => {
    const { url } = await fixture.start();
    return answerOf(await fetch(`${url}${path}`, init));
  };

  test('take their arguments from the path, the body, and the query, in this order', async () => {
    expect((await request('/set/foo/bar')).json).toEqual({ result: 'OK' });
    expect((await request('/GET/foo')).json).toEqual({ result: 'bar' });
    expect((await request('/set/with%20space/a%2Fb?EX=100&NX')).json).toEqual({ result: 'OK' });
    expect(await fixture.redis.get('with space')).toBe('a/b');
    expect(await fixture.redis.ttl('with space')).toBeGreaterThan(90);
    expect((await request('/set/body?XX', { method: 'POST', body: 'v' })).json).toEqual({ result: null });
    expect((await request('/set/body?PX=60000', { method: 'PUT', body: 'v' })).json).toEqual({ result: 'OK' });
    expect(await fixture.redis.get('body')).toBe('v');
  });

  test('take any bytes, in the path and in the body', async () => {
    const written = await request('/set/%FF%00key', { method: 'POST', body: BYTES });
    expect(written.json).toEqual({ result: 'OK' });
    const key = Buffer.from([0xff, 0, ...Buffer.from('key')]);
    expect(await fixture.redis.getBuffer(key)).toEqual(BYTES);
    const read = await request('/get/%ff%00key', { headers: { 'upstash-encoding': 'base64' } });
    expect(Buffer.from(String(read.json.result), 'base64')).toEqual(BYTES);
  });

  test.each(['/get/%zz', '/set/a/b?x=%', '//', '/get%20foo'])('%s is refused', async (path) => {
    const { status, json } = await request(path);
    expect([status, json.error]).toEqual([400, expect.stringMatching(/^ERR /)]);
  });

  test.each(['', '/', '/pipeline', '/multi-exec'])('GET /redis%s is no command', async (path) => {
    const { status, json } = await request(path);
    expect([status, json.error]).toEqual([404, expect.stringMatching(/^ERR /)]);
  });

  test('a token in the URL is refused, not sent to Redis', async () => {
    const { status, json } = await request('/get/foo?_token=secret');
    expect([status, json.error]).toEqual([401, expect.stringContaining('Authorization: Bearer')]);
  });
});

describe('bytes that are no text', () => {
  test('are answered in base64 although nobody asked, and the answer says so', async () => {
    const { post } = await fixture.start();
    await fixture.redis.set('binary', BYTES);
    const { headers, json } = await post('', ['GET', 'binary']);
    expect(headers.get('upstash-encoding')).toBe('base64');
    expect(Buffer.from(String(json.result), 'base64')).toEqual(BYTES);
    const text = await post('', ['GET', 'absent']);
    expect(text.headers.get('upstash-encoding')).toBeNull();
  });
});

describe('bad requests', () => {
  test.each([
    ['', '', 'the body is not JSON'],
    ['', '{"a":1}', 'the body is not a command'],
    ['', '[]', 'the body is not a command'],
    ['', '[["GET","a"]]', 'does not begin with the name of a command'],
    ['', '["GET",null]', 'argument 1 of the body is null'],
    ['', '["GET",{"a":1}]', 'argument 1 of the body is an object'],
    ['', '["GET",["a"]]', 'argument 1 of the body is an array'],
    ['', '["GET","\\ud800"]', 'half of a surrogate pair'],
    ['', '[""]', 'does not begin with the name of a command'],
    ['', '["NOSUCH","a"]', "unknown command 'nosuch'"],
    ['', '["XGROUP","NOSUCH","a"]', 'nknown subcommand'],
    ['', '["GET"]', 'wrong number of arguments'],
    ['/pipeline', '[]', 'not an array of commands'],
    ['/pipeline', '["GET","a"]', 'command 1 is not a command'],
    ['/multi-exec', '[["GET","a"],[]]', 'command 2 is not a command'],
  ])('POST %s with %s says what is wrong', async (path, body, words) => {
    const { post } = await fixture.start();
    const { status, json } = await post(path, body);
    expect([status, json.error]).toEqual([400, expect.stringContaining(words)]);
  });

  test('a body that is not UTF-8 is refused, with the way that takes it', async () => {
    const { post } = await fixture.start();
    const { status, json } = await post(
      '',
      Buffer.concat([Buffer.from('["SET","a","'), BYTES.subarray(200), Buffer.from('"]')]),
    );
    expect([status, json.error]).toEqual([400, expect.stringContaining('POST /redis/set/key takes any bytes')]);
  });

  test('a body above the limit is refused', async () => {
    const { post } = await fixture.start({ maxBodyBytes: 1_000 });
    const { status, json } = await post('', ['SET', 'a', 'x'.repeat(1_000)]);
    expect([status, json.error]).toEqual([413, expect.stringMatching(/^ERR .*too large/)]);
  });

  test('a command that failed in a pipeline leaves the others alone', async () => {
    const { post } = await fixture.start();
    const { status, json } = await post('/pipeline', [['SET', 'a', '1'], ['BLPOP', 'a', 0], ['NOSUCH'], ['GET', 'a']]);
    expect(status).toBe(200);
    expect(json).toEqual([
      { result: 'OK' },
      { error: expect.stringMatching(/^ERR 'blpop' is not served over HTTP: it may block/) as string },
      { error: "ERR unknown command 'nosuch'" },
      { result: '1' },
    ]);
  });
});

describe('commands that make no sense over HTTP', () => {
  test.for([
    ...['SUBSCRIBE c', 'PSUBSCRIBE c', 'SSUBSCRIBE c', 'UNSUBSCRIBE', 'MONITOR', 'SHUTDOWN', 'DEBUG SLEEP 1', 'SAVE'],
    ...['BLPOP l 0', 'BRPOP l 0', 'BLMOVE a b LEFT LEFT 0', 'BZPOPMIN z 0', 'BLMPOP 0 1 l LEFT', 'WAIT 1 0'],
    ...['XREAD BLOCK 0 STREAMS s $', 'XREAD COUNT 1 block 0 STREAMS s $', 'XREADGROUP GROUP g c BLOCK 0 STREAMS s >'],
    ...[
      'CLIENT LIST',
      'CLIENT KILL ID 1',
      'CLIENT SETINFO LIB-NAME x',
      'CONFIG GET *',
      'CONFIG SET save x',
      'ACL LIST',
    ],
    ...['SELECT 1', 'AUTH x', 'HELLO 3', 'RESET', 'QUIT', 'MULTI', 'EXEC', 'DISCARD', 'WATCH a', 'UNWATCH', 'ASKING'],
    ...['REPLICAOF a 1', 'SLAVEOF a 1', 'SYNC', 'PSYNC ? -1', 'FAILOVER', 'CLUSTER RESET', 'SCRIPT DEBUG YES'],
    ...['MODULE LIST', 'READONLY', 'READWRITE', 'MIGRATE h 1 k 0 1', 'SLOWLOG GET', 'LATENCY RESET', 'REPLCONF x'],
  ])('%s is refused by name, with the reason', async (line, { skip }) => {
    const name = line.split(' ')[0]?.toLowerCase() ?? '';
    skip(!(await fixture.knows(name)), 'this server does not have it');
    const { post } = await fixture.start();
    const { status, json } = await post('', line.split(' '));
    expect([status, json.error]).toEqual([400, expect.stringMatching(`^ERR '${name}' is not served over HTTP: `)]);
  });

  test('the client learns it as it subscribes', async () => {
    const { url } = await fixture.start();
    const response = await fetch(`${url}/subscribe/channel`, {
      method: 'POST',
      headers: { accept: 'text/event-stream' },
      body: JSON.stringify(['SUBSCRIBE', 'channel']),
    });
    const { status, json } = await answerOf(response);
    expect([status, json.error]).toEqual([400, expect.stringContaining('messages cannot be pushed')]);
  });

  test.each([
    ['XREAD COUNT 1 STREAMS block 0', null],
    ['PUBLISH c m', 0],
    ['SCRIPT EXISTS x', [0]],
    ['XINFO HELP', expect.any(Array) as unknown],
    ['COMMAND COUNT', expect.any(Number) as unknown],
  ])('%s is served', async (line, result) => {
    const { post } = await fixture.start();
    expect((await post('', line.split(' '))).json).toEqual({ result });
  });
});

describe('keys of Keyferry itself', () => {
  test('may be read, and not written', async () => {
    const { post } = await fixture.start();
    await fixture.redis.set('__keyferry__:origin', 'x');
    expect((await post('', ['GET', '__keyferry__:origin'])).json).toEqual({ result: 'x' });
    for (const command of [
      ['SET', '__keyferry__:origin', 'y'],
      ['DEL', 'a', '__keyferry__:origin'],
      ['SORT', 'a', 'STORE', '__keyferry__:b'],
      ['EVAL', 'return 1', '1', '__keyferry__:b'],
      ['RENAME', '__keyferry__:origin', 'c'],
    ]) {
      const { status, json } = await post('', command);
      expect([status, json.error]).toEqual([400, expect.stringContaining('they may only be read')]);
    }
    expect(await fixture.redis.get('__keyferry__:origin')).toBe('x');
  });
});
