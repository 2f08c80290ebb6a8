import { beforeEach, describe, expect, it } from 'vitest';
import { authenticateOauthBearer } from '../../../../../src/clients/kafka/security/oauth-bearer.ts';
import { TokenSource } from '../../../../../src/clients/kafka/security/token-source.ts';
import { KeyferryError } from '../../../../../src/core/errors.ts';
import { FakeClock } from '../../../../support/fake-clock.ts';

interface Asked {
  readonly url: string;
  readonly authorization: string | null;
  readonly body: string;
}

let clock: FakeClock;
let asked: Asked[];
/** What the token server does next; the last one stays. */
let answers: (() => Response)[];

const token =
  (text: string, more: object = { expires_in: 100 }) =>
  (): Response =>
    Response.json({ access_token: text, token_type: 'Bearer', ...more });
const status =
  (code: number, body: unknown = {}) =>
  (): Response =>
    Response.json(body, { status: code });
const down = (): Response => {
  throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
};

const tokenSource = (more: { readonly scope?: string } = {}): TokenSource =>
  new TokenSource({
    tokenUrl: 'https://id.example/token?tenant=geheim-too',
    clientId: 'ferry 1',
    clientSecret: () => 'ge:heim',
    clock,
    fetch: async (url, init) => {
      const request = new Request(url, init);
      asked.push({
        url: request.url,
        authorization: request.headers.get('authorization'),
        body: await request.text(),
      });
      const next = answers.length > 1 ? answers.shift() : answers[0];
      return next?.() ?? Response.error();
    },
    ...more,
  });

beforeEach(() => {
  clock = new FakeClock();
  asked = [];
});

describe('the source of tokens', () => {
  it('asks by the client credentials grant', async () => {
    answers = [token('t')];
    expect(await tokenSource({ scope: 'kafka read' }).token()).toBe('t');
    const authorization = `Basic ${Buffer.from('ferry%201:ge%3Aheim').toString('base64')}`;
    const body = 'grant_type=client_credentials&scope=kafka+read';
    expect(asked).toEqual([{ url: 'https://id.example/token?tenant=geheim-too', authorization, body }]);
  });

  it('gives one token to all until shortly before it expires', async () => {
    answers = [token('first'), token('second')];
    const tokens = tokenSource();
    expect(await Promise.all([tokens.token(), tokens.token()])).toEqual(['first', 'first']);
    await clock.advance(59_000);
    expect(await tokens.token()).toBe('first');
    await clock.advance(2_000);
    expect(await tokens.token()).toBe('second');
    expect(asked).toHaveLength(2);
  });

  it('asks each time where the server does not say how long a token lasts', async () => {
    answers = [token('first', {}), token('second', {})];
    const tokens = tokenSource();
    expect([await tokens.token(), await tokens.token()]).toEqual(['first', 'second']);
  });

  it('lives on a token while the server is away, until the token expires', async () => {
    answers = [token('t'), down];
    const tokens = tokenSource();
    await tokens.token();
    await clock.advance(90_000);
    expect(await tokens.token()).toBe('t');
    await clock.advance(11_000);
    await expect(tokens.token()).rejects.toMatchObject({ code: 'KF_KAFKA_UNAVAILABLE' });
  });

  it.each([
    ['is away', down, 'KF_KAFKA_UNAVAILABLE', /cannot be reached: connect ECONNREFUSED/],
    ['is overloaded', status(503), 'KF_KAFKA_UNAVAILABLE', /answers 503/],
    ['wants us to wait', status(429), 'KF_KAFKA_UNAVAILABLE', /answers 429/],
    [
      'refuses',
      status(401, { error: 'invalid_client' }),
      'KF_KAFKA_AUTH',
      /refuses client ferry 1: 401 invalid_client/,
    ],
    ['quotes us', status(400, { error: 'bad ge:heim' }), 'KF_KAFKA_AUTH', /refuses client ferry 1: 400$/],
    ['sends us elsewhere', status(302), 'KF_KAFKA_AUTH', /refuses client ferry 1: 302/],
    ['answers something else', () => new Response('<html>'), 'KF_KAFKA_AUTH', /without an access_token/],
  ])('says so where the server %s, and nothing secret', async (_, answer, code, words) => {
    answers = [answer];
    const failure = await tokenSource()
      .token()
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code, message: expect.stringMatching(words) as string });
    expect(String(failure)).not.toContain('heim');
  });
});

describe('a login with a token', () => {
  it('is done when the broker answers nothing', async () => {
    answers = [token('t')];
    const said: string[] = [];
    await authenticateOauthBearer(tokenSource(), (bytes) => {
      said.push(bytes.toString());
      return Promise.resolve(Buffer.alloc(0));
    });
    expect(said).toEqual(['n,,\x01auth=Bearer t\x01\x01']);
  });

  it('takes a challenge for the refusal that it is, acknowledges it, and gets another token next time', async () => {
    answers = [token('first'), token('second')];
    const tokens = tokenSource();
    const said: string[] = [];
    const refused = authenticateOauthBearer(tokens, (bytes) => {
      said.push(bytes.toString());
      if (said.length === 2) return Promise.reject(new KeyferryError('KF_KAFKA_AUTH', 'refused'));
      return Promise.resolve(Buffer.from('{"status":"invalid_token"}'));
    });
    await expect(refused).rejects.toMatchObject({
      code: 'KF_KAFKA_AUTH',
      message: expect.stringMatching(/refuses the token \(invalid_token\)/) as string,
    });
    expect(said[1]).toBe('\x01');
    expect(await tokens.token()).toBe('second');
  });
});
