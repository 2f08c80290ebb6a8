import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { uniqueName } from '../contract/kafka-fixture.ts';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { stackProvider } from '../support/provider.ts';
import { MASTER_NAME, startSentinel } from '../support/sentinels.ts';
import { type SecuredKafka, startSecuredKafka } from '../support/secured-kafka.ts';
import type { RedisServer } from '../support/stack.ts';
import { tracesOf } from '../support/traces.ts';
import { Workplace } from '../support/workplace.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

/** With what URLs, JSON, YAML and shells make something else of, where that may be chosen. */
const SECRETS = {
  'password of Redis': 'r:dis/pass@word "1" %41',
  "password of the sink's Redis": "sink's:p@ss/word#2?",
  'password of Kafka': 'ferry-secret',
  'client secret': 'oauth-client-secret',
  'wrong password': 'wrong:p@ssword\\3',
  token: 'adm1n/t0ken+=',
  'read-only token': 'scheme:read-only-token',
  'refused token': 'refused-t0ken-4',
  'password of an origin': 'origin:p@ss5',
  'password of the sentinels': 'sent1nel:p@ss/w"rd',
};

describe('no secret is told', () => {
  let kafka: SecuredKafka;
  let server: RedisServer;
  let redis: Redis;
  let sentinel: Redis;
  const workplace = new Workplace();
  /** All that anybody could read. */
  const told: string[] = [];

  beforeAll(async () => {
    const provider = await stackProvider();
    [kafka, server] = await Promise.all([startSecuredKafka(), provider.startRedis()]);
    redis = new Redis(server.url);
    await redis.call('ACL', 'SETUSER', 'ferry', 'on', `>${SECRETS['password of Redis']}`, '~*', '&*', '+@all');
    const rules = ['on', `>${SECRETS["password of the sink's Redis"]}`, '~*', '+@all'];
    await redis.call('ACL', 'SETUSER', 'sink', ...rules);
    sentinel = new Redis((await startSentinel(workplace, server.port, [])).port, '127.0.0.1');
    await lockSentinel();
  });
  afterAll(async () => {
    for (const client of [redis, sentinel]) client.disconnect();
    await Promise.all([kafka.stop(), workplace.close()]);
  });

  const lockSentinel = (password = SECRETS['password of the sentinels']): Promise<unknown> =>
    sentinel.call('ACL', 'SETUSER', 'default', 'resetpass', `>${password}`);

  const urlOf = (user: string, password: string): string =>
    `redis://${user}:${encodeURIComponent(password)}@${server.host}:${server.port}`;

  const config = (changes: object = {}): Record<string, unknown> => {
    const topic = uniqueName('secrets');
    return {
      redis: { url: urlOf('ferry', SECRETS['password of Redis']) },
      kafka: kafkaAs('ferry', SECRETS['password of Kafka']),
      sources: [{ name: 'all', topic, partitions: 1, canaryEvery: '1s' }],
      sinks: [
        {
          name: 'copy',
          topics: [topic],
          group: topic,
          database: 1,
          redis: {
            url: `redis://sink@${server.host}:${server.port}`,
            password: SECRETS["password of the sink's Redis"],
          },
        },
      ],
      http: { token: SECRETS.token, readOnlyToken: SECRETS['read-only token'] },
      state: { path: kafka.path(uniqueName('state')) },
      ...changes,
    };
  };

  const kafkaAs = (username: string, password: string, mechanism = 'plain'): object => ({
    brokers: [...kafka.brokers.SASL],
    tls: { enabled: true, caFile: kafka.authority.caFile },
    sasl: { mechanism, username, password },
  });

  const fileOf = (secret: string): string => {
    const file = kafka.path(uniqueName('secret'));
    writeFileSync(file, `${secret}\n`);
    return file;
  };

  const behindSentinel = (passwords: object): object => ({
    url: 'redis://ferry@ignored',
    topology: 'sentinel',
    nodes: [`127.0.0.1:${sentinel.options.port ?? 0}`],
    sentinelName: MASTER_NAME,
    ...passwords,
  });

  const withTokens = (secret: object): object => {
    const sasl = { mechanism: 'oauthbearer', clientId: 'ferry', tokenUrl: kafka.tokenUrl, ...secret };
    return { ...kafkaAs('', ''), sasl };
  };

  /** Runs a command to its end, with stack traces. */
  const cli = async (command: string, of: object): Promise<{ readonly status: number; readonly output: string }> => {
    const file = kafka.path(`${uniqueName(command)}.yaml`);
    writeFileSync(file, stringify(of));
    const env = { ...process.env, KEYFERRY_LOG_LEVEL: 'debug' };
    const child = spawn(process.execPath, [MAIN, command, '--config', file], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
    const [status] = (await once(child, 'close')) as [number];
    told.push(output);
    return { status, output };
  };

  const request = async (daemon: Daemon, path: string, token: string, init: RequestInit = {}): Promise<number> => {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await daemon.fetch(path, { headers, ...init });
    told.push(`${[...answer.headers].join('\n')}\n${await answer.text()}`);
    return answer.status;
  };

  const isReady = async (daemon: Daemon): Promise<boolean> => (await daemon.get('/readyz')).status === 200;

  it.each(['json', 'pretty'])(
    'by a daemon at debug level that serves, is refused, and loses its servers: %s',
    async (format) => {
      const daemon = await Daemon.create({ ...config(), log: { level: 'debug', format } });
      try {
        await daemon.start();
        await redis.set('key', 'value');
        await eventually(() => isReady(daemon), { what: 'the daemon to be ready', timeoutMs: 120_000 });
        const { token, 'read-only token': readOnly, 'refused token': wrong } = SECRETS;
        const status = '/api/v1/status';
        expect(await request(daemon, status, token)).toBe(200);
        expect(await request(daemon, status, readOnly)).toBe(200);
        expect(await request(daemon, status, wrong)).toBe(401);
        expect(await request(daemon, '/metrics', '')).toBe(200);
        const set = { method: 'POST', body: JSON.stringify(['SET', 'a', 'b']) };
        expect(await request(daemon, '/redis', token, set)).toBe(200);
        expect(await request(daemon, '/redis', readOnly, set)).toBe(403);
        expect(await request(daemon, '/redis', wrong, set)).toBe(401);
        expect(await request(daemon, `/redis/get/a?_token=${encodeURIComponent(token)}`, token)).toBe(401);
        expect(await request(daemon, `/nowhere?token=${encodeURIComponent(token)}`, token)).toBe(404);
        // Both users find their password refused, and then accepted again.
        for (const name of ['ferry', 'sink']) await redis.call('ACL', 'SETUSER', name, 'resetpass', '>another');
        for (const name of ['ferry', 'sink']) await redis.call('CLIENT', 'KILL', 'USER', name);
        const refused = () => /WRONGPASS/.test(daemon.output);
        await eventually(refused, { what: 'the daemon to be refused' });
        const isNotReady = async (): Promise<boolean> => (await request(daemon, '/readyz', '')) === 503;
        await eventually(isNotReady, { what: 'the daemon not to be ready' });
        expect(await request(daemon, status, token)).toBe(200);
        const isRefused = async (): Promise<boolean> => (await request(daemon, '/redis', token, set)) === 503;
        await eventually(isRefused, { what: 'writes to be refused' });
        await redis.call('ACL', 'SETUSER', 'ferry', `>${SECRETS['password of Redis']}`);
        await redis.call('ACL', 'SETUSER', 'sink', `>${SECRETS["password of the sink's Redis"]}`);
        await daemon.stop();
      } finally {
        told.push(daemon.output);
        await daemon.dispose();
      }
    },
  );

  it.each(['as they are', 'in files'])(
    'by a daemon with a sentinel and tokens, whose secrets stand in the configuration %s',
    async (where) => {
      const [password, ofSentinels] = [SECRETS['password of Redis'], SECRETS['password of the sentinels']];
      const { 'password of Kafka': clientSecret, token, 'read-only token': readOnlyToken } = SECRETS;
      const changes =
        where === 'in files'
          ? {
              redis: behindSentinel({ passwordFile: fileOf(password), sentinelPasswordFile: fileOf(ofSentinels) }),
              kafka: withTokens({ clientSecretFile: fileOf(clientSecret) }),
              http: { tokenFile: fileOf(token), readOnlyTokenFile: fileOf(readOnlyToken) },
            }
          : {
              redis: behindSentinel({ password, sentinelPassword: ofSentinels }),
              kafka: withTokens({ clientSecret }),
              http: { token, readOnlyToken },
            };
      const all = config({ ...changes, log: { level: 'debug' } });
      expect((await cli('config', all)).output).toContain('sentinelName');
      expect((await cli('check', all)).output).toMatch(/^ok {4}sentinel .*says that the master is/m);
      const daemon = await Daemon.create(all);
      kafka.tokens.lifetimeS = 10;
      try {
        await daemon.start();
        await eventually(() => isReady(daemon), { what: 'the daemon to be ready', timeoutMs: 120_000 });
        expect(await request(daemon, '/api/v1/status', token)).toBe(200);
        expect(await request(daemon, '/api/v1/status', readOnlyToken)).toBe(200);
        // Whoever knew the passwords is refused: by the sentinel, by the master, and by the token server, which ends a sink.
        await lockSentinel('another');
        await sentinel.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        await redis.call('ACL', 'SETUSER', 'ferry', 'resetpass', '>another');
        await redis.call('CLIENT', 'KILL', 'USER', 'ferry');
        await eventually(() => /WRONGPASS/.test(daemon.output), { what: 'the daemon to be refused' });
        const quoting = { error: 'invalid_client', error_description: `not ${clientSecret}` };
        kafka.tokens.failure = { status: 401, body: JSON.stringify(quoting) };
        const isTold = (): boolean => daemon.output.includes('401 invalid_client');
        await eventually(isTold, { what: 'no token to be given' });
      } finally {
        kafka.tokens.failure = undefined;
        kafka.tokens.lifetimeS = 600;
        await Promise.all([lockSentinel(), redis.call('ACL', 'SETUSER', 'ferry', `>${password}`)]);
        told.push(daemon.output);
        await daemon.dispose();
      }
    },
  );

  it('by config and check', async () => {
    expect((await cli('config', config())).output).toContain('***');
    expect((await cli('check', config())).output).toMatch(/^ok {4}kafka .* answers$/m);
    expect((await cli('config', config({ log: { format: 'pretty' } }))).status).toBe(0);
    const sasl = { mechanism: 'oauthbearer', clientId: 'me', clientSecret: SECRETS['client secret'] };
    const oauth = { ...kafkaAs('', ''), sasl: { ...sasl, tokenUrl: kafka.tokenUrl } };
    expect((await cli('config', config({ kafka: oauth }))).output).toContain('tokenUrl');
    expect((await cli('check', config({ kafka: oauth }))).status).toBe(3);
  });

  it.each(['run', 'check'])('by %s with a wrong password', async (command) => {
    const wrong = SECRETS['wrong password'];
    const http = { port: 0, token: SECRETS.token };
    const sasl = { mechanism: 'oauthbearer', clientId: 'me', clientSecret: wrong, tokenUrl: kafka.tokenUrl };
    const ended = await Promise.all([
      cli(command, config({ redis: { url: urlOf('ferry', wrong) }, http })),
      cli(command, config({ kafka: kafkaAs('ferry', wrong, 'plain'), http })),
      cli(command, config({ kafka: kafkaAs('ferry', wrong, 'scram-sha-512'), http })),
      cli(command, config({ kafka: { ...kafkaAs('', ''), sasl }, http })),
      cli(command, config({ redis: behindSentinel({ sentinelPassword: wrong }), http })),
    ]);
    expect(ended.map(({ status }) => status)).toEqual([3, 3, 3, 3, 3]);
  });

  it('by the errors of configurations', async () => {
    const wrong: readonly (readonly [string, object])[] = [
      ['a URL that is none', { redis: { url: `redis://ferry:${SECRETS['password of Redis']}@h:99999` } }],
      [
        'a URL of another kind',
        { redis: { url: `http://ferry:${encodeURIComponent(SECRETS['password of Redis'])}@h` } },
      ],
      ['a password twice', { redis: { url: 'redis://a:b@h', password: SECRETS['password of Redis'] } }],
      ['a token that is a list', { http: { token: [SECRETS.token] } }],
      ['the same token twice', { http: { token: SECRETS.token, readOnlyToken: SECRETS.token } }],
      [
        'a secret under a wrong name',
        { http: { tokn: SECRETS.token }, redis: { pasword: SECRETS['password of Redis'] } },
      ],
      ['a secret in the place of a section', { http: SECRETS.token }],
      [
        'an origin with a password',
        {
          rest: {
            readThrough: [
              { pattern: 'a:*', url: `http://me:${encodeURIComponent(SECRETS['password of an origin'])}@h/{key}` },
            ],
          },
        },
      ],
      [
        'a token server with a password',
        {
          kafka: {
            sasl: {
              mechanism: 'oauthbearer',
              clientId: 'a',
              clientSecret: SECRETS['client secret'],
              tokenUrl: `http://me:${encodeURIComponent(SECRETS['password of an origin'])}@h/`,
            },
          },
        },
      ],
    ];
    const ended = await Promise.all(
      wrong.map(async ([what, changes]) => [what, (await cli('config', config(changes))).status]),
    );
    expect(ended).toEqual(wrong.map(([what]) => [what, 2]));
  });

  it('anywhere in what all of this told', () => {
    expect(told.length).toBeGreaterThan(30);
    const { given } = kafka.tokens;
    expect(given.length).toBeGreaterThan(3);
    const tokens = Object.fromEntries(given.map((token, at) => [`access token ${at}`, token]));
    expect(tracesOf({ ...SECRETS, ...tokens }, told.join('\n'))).toEqual([]);
  });

  it('and would be found if it were', () => {
    for (const [what, secret] of Object.entries(SECRETS)) {
      for (const form of [secret, encodeURIComponent(secret), JSON.stringify({ secret })])
        expect(tracesOf(SECRETS, `some ${form} text`)).toContain(`${what}: some ${form} text`);
      for (const user of ['', 'a', 'ab', 'abc']) {
        const login = Buffer.from(`${user}:${secret}`).toString('base64');
        expect(tracesOf({ [what]: secret }, login)).toHaveLength(1);
      }
    }
  });
});
