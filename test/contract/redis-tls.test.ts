import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type RedisClientOptions, connectRedis } from '../../src/clients/redis/connect.ts';
import type { RedisConnection } from '../../src/clients/redis/port.ts';
import { isKeyferryError } from '../../src/core/errors.ts';
import { type Authority, type Certificate, createAuthority } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/ports.ts';
import { processProvider } from '../support/process-provider.ts';
import { MASTER_NAME, startSentinel } from '../support/sentinels.ts';
import type { RedisServer } from '../support/stack.ts';
import { Workplace } from '../support/workplace.ts';

type Tls = NonNullable<RedisClientOptions['tls']>;

const workplace = new Workplace();
const provider = processProvider();
afterAll(() => Promise.all([workplace.close(), provider.dispose()]));

let ca: Authority;
let stranger: Authority;
let ours: Certificate;
let server: RedisServer & { readonly tlsPort: number };
let mutual: RedisServer & { readonly tlsPort: number };

/** A server with a plain port for the test and a TLS port for what is tested. */
const startTls = async (certificate: Certificate, ...args: readonly string[]) => {
  const tlsPort = await freePort();
  const files = ['--tls-cert-file', certificate.certFile, '--tls-key-file', certificate.keyFile];
  const authority = ['--tls-ca-cert-file', ca.caFile, '--tls-port', String(tlsPort)];
  const started = await provider.startRedis({ args: [...files, ...authority, ...args] });
  return { ...started, tlsPort };
};

beforeAll(async () => {
  ca = await createAuthority(workplace.path('ca'));
  stranger = await createAuthority(workplace.path('stranger'));
  ours = await ca.issue('ours');
  const theirs = await ca.issue('theirs', { names: ['IP:127.0.0.1', 'DNS:redis.test'] });
  server = await startTls(theirs, '--tls-auth-clients', 'no', '--notify-keyspace-events', 'AE');
  mutual = await startTls(theirs);
});

const open: RedisConnection[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((connection) => connection.close()));
});

const client = (port: number, options: Partial<RedisClientOptions> = {}) =>
  connectRedis({ url: `rediss://127.0.0.1:${port}`, name: 'keyferry', ...options });

const connect = (port: number, options: Partial<RedisClientOptions> = {}): RedisConnection => {
  const connection = client(port, options).connect({ db: 0, name: 'test' });
  open.push(connection);
  return connection;
};

const trusting = (extra: Partial<Tls> = {}): { readonly tls: Tls } => ({
  tls: { enabled: true, caFile: ca.caFile, ...extra },
});

const whyNot = async (connection: RedisConnection): Promise<string> => {
  const error: unknown = await connection.ready().catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'KF_REDIS_UNAVAILABLE' });
  return (error as Error).message;
};

describe('a connection over TLS', () => {
  test('is made to a server whose authority is given, by rediss: and by the setting', async () => {
    for (const url of [`rediss://127.0.0.1:${server.tlsPort}/3`, `redis://127.0.0.1:${server.tlsPort}`]) {
      const redis = connect(0, { url, ...trusting() });
      await redis.ready();
      expect(String(await redis.call('SET', 'key', 'x'))).toBe('OK');
    }
  });

  test('carries a subscription and its flush messages', async () => {
    const redis = connect(server.tlsPort, trusting());
    await redis.ready();
    const seen: string[] = [];
    const subscription = await client(server.tlsPort, trusting()).subscribe(['__keyevent@0__:*'], {
      onMessage: (_channel, message) => seen.push(String(message)),
      onFlush: () => seen.push('flush'),
    });
    await redis.call('SET', 'key', 'x');
    await redis.call('FLUSHALL');
    await eventually(() => seen.length === 2, { what: 'key and flush' });
    expect(seen).toEqual(['key', 'flush']);
    subscription.close();
  });

  test('comes back after a restart of the server', async () => {
    const redis = connect(server.tlsPort, trusting());
    await redis.ready();
    await server.kill();
    await server.start();
    await eventually(() => redis.isReady, { what: 'the reconnect' });
    await redis.call('PING');
  });

  test('is made with a client certificate where the server wants one', async () => {
    const redis = connect(mutual.tlsPort, trusting(ours));
    await redis.ready();
    await redis.call('PING');
  });

  test('is made by a server name that the host is not', async () => {
    await connect(server.tlsPort, trusting({ serverName: 'redis.test' })).ready();
  });
});

describe('behind sentinels that speak TLS', () => {
  test('they and their master are asked over it', async () => {
    const [theirs, tls] = [await ca.issue('sentinel'), trusting(ours)];
    const master = await startTls(theirs, '--tls-replication', 'yes');
    const sentinelPort = await freePort();
    const lines = [
      `tls-port ${sentinelPort}`,
      `tls-cert-file ${theirs.certFile}`,
      `tls-key-file ${theirs.keyFile}`,
      `tls-ca-cert-file ${ca.caFile}`,
      'tls-replication yes',
    ];
    const sentinel = await startSentinel(workplace, master.tlsPort, lines);
    const nodes = [`127.0.0.1:${sentinelPort}`];
    const behind = { url: 'rediss://ignored', topology: 'sentinel' as const, nodes, sentinelName: MASTER_NAME };
    const redis = connect(0, { ...behind, ...tls });
    await redis.ready();
    const reply = (await redis.call('CONFIG', 'GET', 'port')) as readonly Buffer[];
    expect(Number(String(reply[1]))).toBe(master.port);
    await redis.close();
    await Promise.all([sentinel.process.kill(), master.kill()]);
  });
});

describe('what is wrong is said, with what to do:', () => {
  test('an authority that is not known', async () => {
    expect(await whyNot(connect(server.tlsPort))).toMatch(/nobody that we trust .* redis\.tls\.caFile/);
    expect(await whyNot(connect(server.tlsPort, trusting({ caFile: stranger.caFile })))).toContain('redis.tls.caFile');
  });

  test('a certificate for another name', async () => {
    const redis = connect(server.tlsPort, trusting({ serverName: 'other.test' }));
    expect(await whyNot(redis)).toMatch(/for another name: .*redis\.tls\.serverName/);
  });

  test('a certificate that has expired', async () => {
    const expired = await startTls(await ca.issue('expired', { days: -1 }), '--tls-auth-clients', 'no');
    expect(await whyNot(connect(expired.tlsPort, trusting()))).toMatch(/has expired: renew/);
    await expired.kill();
  });

  test('a client certificate that is missing, under either version of the protocol', async () => {
    expect(await whyNot(connect(mutual.tlsPort, trusting()))).toMatch(/wants a certificate of ours: .*certFile/);
    const older = await startTls(await ca.issue('older'), '--tls-protocols', 'TLSv1.2');
    expect(await whyNot(connect(older.tlsPort, trusting()))).toMatch(/wants a certificate of ours: .*certFile/);
    await older.kill();
  });

  test('a client certificate that the server does not trust', async () => {
    const redis = connect(mutual.tlsPort, trusting(await stranger.issue('unknown')));
    expect(await whyNot(redis)).toMatch(/does not trust our certificate/);
  });

  test('a plain connection to the TLS port', async () => {
    const redis = connect(0, { url: `redis://127.0.0.1:${server.tlsPort}` });
    expect(await whyNot(redis)).toMatch(/if this is its TLS port, use rediss:/);
  });

  test('a TLS connection to the plain port', async () => {
    expect(await whyNot(connect(server.port, trusting()))).toMatch(/TLS on this port.*redis:/);
  });

  test('files that cannot be used', async () => {
    const empty = join(workplace.dir, 'empty.pem');
    writeFileSync(empty, '');
    const attempt = (tls: Partial<Tls>) => whyNot(connect(server.tlsPort, trusting(tls)));
    expect(await attempt({ caFile: '/nowhere.pem' })).toMatch(/tls\.caFile cannot be read: ENOENT/);
    expect(await attempt({ caFile: empty })).toMatch(/tls\.caFile .*empty\.pem holds no PEM certificate/);
    expect(await attempt({ ...ours, keyFile: (await ca.issue('another')).keyFile })).toMatch(
      /redis\.tls do not make a certificate and its key/,
    );
    expect(await attempt({ certFile: ours.certFile })).toMatch(/certFile and tls\.keyFile go together/);
  });
});

describe('a password that is rotated', () => {
  test('is read from its file again when the connection has to be made again', async () => {
    const admin = connect(0, { url: server.url });
    await admin.ready();
    const passwordFile = join(workplace.dir, 'password');
    writeFileSync(passwordFile, 'first\n');
    await admin.call('ACL', 'SETUSER', 'ferry', 'on', '>first', '~*', '&*', '+@all');
    const url = `rediss://ferry@127.0.0.1:${server.tlsPort}`;
    const redis = connect(0, { url, passwordFile, ...trusting() });
    await redis.ready();
    await admin.call('ACL', 'SETUSER', 'ferry', '<first', '>second');
    await admin.call('CLIENT', 'KILL', 'USER', 'ferry');
    const refused = (): Promise<boolean> =>
      redis.call('PING').then(
        () => false,
        // Who got in before is not turned away for good: the file may be about to change.
        (error: unknown) => isKeyferryError(error, 'KF_REDIS_UNAVAILABLE') && error.message.includes('WRONGPASS'),
      );
    await eventually(refused, { what: 'the refusal of the old password' });
    writeFileSync(passwordFile, 'second\n');
    await eventually(() => redis.isReady, { what: 'the connection with the new password' });
    expect(String(await redis.call('ACL', 'WHOAMI'))).toBe('ferry');
  });
});
