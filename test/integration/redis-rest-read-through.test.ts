import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ReadThroughRule } from '../../src/rest/redis-rest/read-through.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/ports.ts';
import { RestFixture } from './redis-rest-fixture.ts';

const fixture = new RestFixture();

type Handle = (request: IncomingMessage, response: ServerResponse) => void;

let origin: Server;
let asked: string[];
let handle: Handle;

beforeAll(async () => {
  origin = createServer((request, response) => {
    asked.push(request.url ?? '');
    handle(request, response);
  }).listen(0, '127.0.0.1');
  await once(origin, 'listening');
});
beforeEach(() => {
  asked = [];
  handle = (request, response) => response.end(`value of ${request.url ?? ''}`);
});
afterAll(() => {
  origin.closeAllConnections();
  origin.close();
});

const at = (path: string, rule: Partial<ReadThroughRule> = {}): ReadThroughRule => ({
  pattern: 'item:*',
  url: `http://127.0.0.1:${(origin.address() as AddressInfo).port}${path}`,
  ttlMs: 60_000,
  timeoutMs: 60_000,
  ...rule,
});

const start = (...rules: readonly ReadThroughRule[]) =>
  fixture.start({ readThrough: rules.length === 0 ? [at('/items/{2}')] : rules });

describe('a GET of a key that Redis does not have', () => {
  test('is answered from the origin, and stored with its time to live', async () => {
    const { post } = await start();
    expect((await post('', ['GET', 'item:42'])).json).toEqual({ result: 'value of /items/42' });
    expect(await fixture.redis.get('item:42')).toBe('value of /items/42');
    expect(await fixture.redis.pttl('item:42')).toBeGreaterThan(50_000);
    await post('', ['GET', 'item:42']);
    expect(asked).toEqual(['/items/42']);
  });

  test('asks the origin once, however many ask at the same time', async () => {
    const { post, metrics } = await start();
    const held: ServerResponse[] = [];
    handle = (_, response) => held.push(response);
    const answers = Array.from({ length: 50 }, () => post('', ['GET', 'item:1']));
    const inPipelines = Array.from({ length: 5 }, () => post('/pipeline', [['GET', 'item:1'], ['PING']]));
    await eventually(() => held.length === 1);
    await eventually(async () => (await metrics.text()).includes('keyferry_redis_commands_total{kind="read"} 60'));
    held[0]?.end('once');
    for (const { json } of await Promise.all(answers)) expect(json).toEqual({ result: 'once' });
    for (const { json } of await Promise.all(inPipelines))
      expect(json).toEqual([{ result: 'once' }, { result: 'PONG' }]);
    expect(asked).toHaveLength(1);
  });

  test('keeps what somebody wrote meanwhile', async () => {
    const { post } = await start();
    handle = (_, response) => {
      void fixture.redis.set('item:1', 'newer').then(() => response.end('older'));
    };
    expect((await post('', ['GET', 'item:1'])).json).toEqual({ result: 'newer' });
    expect(await fixture.redis.get('item:1')).toBe('newer');
  });

  test('meets the error of Redis where another type was written meanwhile', async () => {
    const { post } = await start();
    handle = (_, response) => {
      void fixture.redis.rpush('item:1', 'x').then(() => response.end('older'));
    };
    const { status, json } = await post('', ['GET', 'item:1']);
    expect([status, json.error]).toEqual([400, expect.stringMatching(/^WRONGTYPE/)]);
  });

  test('takes any bytes, of the key and of the value', async () => {
    const { url } = await start(at('/items?key={key}&second={2}'));
    const bytes = Buffer.from([0, 0xff, 0x0a, 0x80]);
    handle = (_, response) => response.end(bytes);
    const response = await fetch(`${url}/get/item:%FF%2F?`, { headers: { 'upstash-encoding': 'base64' } });
    const { result } = (await response.json()) as { result: string };
    expect(Buffer.from(result, 'base64')).toEqual(bytes);
    expect(asked).toEqual(['/items?key=item%3A%FF%2F&second=%FF%2F']);
  });

  test('is null where the origin has none, and nothing is stored', async () => {
    const { post, metrics } = await start();
    handle = (_, response) => response.writeHead(404).end('no such item');
    expect((await post('', ['GET', 'item:1'])).json).toEqual({ result: null });
    expect(await fixture.redis.exists('item:1')).toBe(0);
    expect(await metrics.text()).toContain('keyferry_rest_origin_total{outcome="absent"} 1');
  });
});

describe('an origin that gives nothing to store', () => {
  const failing = async (rule: Partial<ReadThroughRule> = {}) => {
    const { post } = await start(at('/items/{2}', rule));
    const { status, json } = await post('', ['GET', 'item:1']);
    expect(await fixture.redis.exists('item:1')).toBe(0);
    return [status, json.error];
  };

  test('fails', async () => {
    handle = (_, response) => response.writeHead(500).end('secret words');
    expect(await failing()).toEqual([502, 'ORIGIN the origin answered 500']);
  });

  test('is too slow', async () => {
    handle = () => undefined;
    expect(await failing({ timeoutMs: 50 })).toEqual([502, 'ORIGIN the origin did not answer within 50 ms']);
  });

  test('stops in the middle', async () => {
    handle = (_, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('half', () => response.destroy());
    };
    expect(await failing()).toEqual([502, expect.stringMatching(/^ORIGIN the origin cannot be reached: /)]);
  });

  test('is not there', async () => {
    const url = `http://127.0.0.1:${await freePort()}/{key}`;
    expect(await failing({ url })).toEqual([502, expect.stringContaining('ECONNREFUSED')]);
  });

  test('sends too much', async () => {
    handle = (_, response) => response.end('x'.repeat(2_000_000));
    expect(await failing()).toEqual([502, "ORIGIN the origin's answer is larger than 1000000 bytes"]);
  });

  test('fails one command of a pipeline', async () => {
    const { post } = await start();
    handle = (_, response) => response.writeHead(503).end();
    const { status, json } = await post('/pipeline', [['GET', 'item:1'], ['PING']]);
    expect([status, json]).toEqual([200, [{ error: 'ORIGIN the origin answered 503' }, { result: 'PONG' }]]);
  });

  test('is asked again by the next one', async () => {
    const { post } = await start();
    handle = (_, response) => response.writeHead(500).end();
    await post('', ['GET', 'item:1']);
    handle = (_, response) => response.end('there');
    expect((await post('', ['GET', 'item:1'])).json).toEqual({ result: 'there' });
  });
});

describe('the origin is left alone', () => {
  test.each([
    ['for keys of no rule', ['GET', 'other:1']],
    ['for other commands', ['MGET', 'item:1']],
    ['for a key without the part that the URL wants', ['GET', 'item:']],
    ['for a key that would step out of the folder', ['GET', 'item:..']],
    ['for keys of Keyferry itself', ['GET', '__keyferry__:item']],
  ])('%s', async (_, command) => {
    const { post } = await start(at('/items/{2}'), at('/{key}', { pattern: '__keyferry__:*' }));
    expect((await post('', command)).status).toBe(200);
    expect(asked).toEqual([]);
  });

  test('in a transaction', async () => {
    const { post } = await start();
    expect((await post('/multi-exec', [['GET', 'item:1']])).json).toEqual([{ result: null }]);
    expect(asked).toEqual([]);
  });
});
