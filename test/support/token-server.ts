import { type KeyObject, generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const KEY_ID = 'test';

const newKeyPair = () => generateKeyPairSync('rsa', { modulusLength: 2_048 });

/** What a request for a token said. */
export interface TokenRequest {
  readonly authorization: string;
  readonly body: string;
}

/** An OAuth 2 server on loopback, as far as the client credentials grant goes. Its tokens are signed JWTs. */
export class TokenServer {
  readonly requests: TokenRequest[] = [];
  /** The tokens that it gave. */
  readonly given: string[] = [];
  /** Of the tokens that it gives. */
  lifetimeS = 600;
  /** Signs them with a key that no broker knows. */
  isForging = false;
  /** Answers this in the place of a token. */
  failure: { readonly status: number; readonly body: string } | undefined;
  /** Public keys, as a broker reads them. */
  readonly keySet: string;
  readonly #privateKey: KeyObject;
  readonly #unknownKey = newKeyPair().privateKey;
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  constructor() {
    const { publicKey, privateKey } = newKeyPair();
    this.#privateKey = privateKey;
    const key = { ...publicKey.export({ format: 'jwk' }), kid: KEY_ID, use: 'sig', alg: 'RS256' };
    this.keySet = JSON.stringify({ keys: [key] });
  }

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/token`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const authorization = request.headers.authorization ?? '';
    this.requests.push({ authorization, body });
    const { status, body: answer } = this.failure ?? this.#grant(authorization);
    response.writeHead(status, { 'content-type': 'application/json' }).end(answer);
  }

  #grant(authorization: string): { readonly status: number; readonly body: string } {
    const [clientId = '', secret] = Buffer.from(authorization.replace('Basic ', ''), 'base64').toString().split(':');
    if (secret !== `${clientId}-secret`) return { status: 401, body: JSON.stringify({ error: 'invalid_client' }) };
    const accessToken = this.#token(clientId);
    this.given.push(accessToken);
    const token = { access_token: accessToken, token_type: 'Bearer', expires_in: this.lifetimeS };
    return { status: 200, body: JSON.stringify(token) };
  }

  #token(subject: string): string {
    const now = Math.floor(Date.now() / 1_000);
    const claims = {
      sub: subject,
      iss: 'test',
      iat: now,
      exp: now + this.lifetimeS,
      scope: 'kafka',
    };
    const parts = [{ alg: 'RS256', typ: 'JWT', kid: KEY_ID }, claims].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    );
    const key = this.isForging ? this.#unknownKey : this.#privateKey;
    const signature = sign('RSA-SHA256', Buffer.from(parts.join('.')), key);
    return [...parts, signature.toString('base64url')].join('.');
  }
}
