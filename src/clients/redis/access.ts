import { readFile } from 'node:fs/promises';
import { type ConnectionOptions, createSecureContext } from 'node:tls';
import { KeyferryError, messageOf } from '../../core/errors.ts';

/** Files of PEM; read again for each connection, so that renewed certificates are found. */
export interface RedisTls {
  /** Who vouches for the server; absent: the authorities that Node knows. */
  readonly caFile?: string | undefined;
  /** Ours, where the server wants one; given together with its key. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** The name that the server's certificate must have, where it is not the host that we dial. */
  readonly serverName?: string | undefined;
}

/** Who we are to the servers of a deployment, and how we know that they are those. */
export interface RedisAccess {
  readonly username: string;
  /** Empty: the server wants none. */
  readonly password: string;
  /** In place of `password`: read again for each connection, so that a rotated password is found. */
  readonly passwordFile?: string | undefined;
  /** Absent: a plain connection. */
  readonly tls?: RedisTls | undefined;
}

/** What one connection is made with. */
export interface Secrets {
  readonly password: string;
  readonly tls: ConnectionOptions | undefined;
}

/** @throws KF_REDIS_UNAVAILABLE naming the file that cannot be used: as it may be replaced any moment, we go on trying. */
export const readSecrets = async ({ password, passwordFile, tls }: RedisAccess): Promise<Secrets> => ({
  password: passwordFile === undefined ? password : withoutLineBreak(await read('passwordFile', passwordFile)),
  tls: tls === undefined ? undefined : await tlsOptions(tls),
});

/** A secret's file as people write it: its last line break is not part of the secret. */
const withoutLineBreak = (text: string): string => text.replace(/\r?\n$/, '');

const tlsOptions = async ({ caFile, certFile, keyFile, serverName }: RedisTls): Promise<ConnectionOptions> => {
  const [ca, cert, key] = await Promise.all([
    readWhereGiven('tls.caFile', caFile),
    readWhereGiven('tls.certFile', certFile),
    readWhereGiven('tls.keyFile', keyFile),
  ]);
  if ((cert === undefined) !== (key === undefined))
    throw unusable('tls.certFile and tls.keyFile go together: give both');
  // Node ignores a text without certificates, and then trusts nobody.
  if (ca?.includes('-----BEGIN ') === false) throw unusable(`tls.caFile ${String(caFile)} holds no PEM certificate`);
  try {
    const secureContext = createSecureContext({
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    });
    return { secureContext, ...(serverName === undefined ? {} : { servername: serverName }) };
  } catch (error) {
    throw unusable(`the files of redis.tls do not make a certificate and its key (${messageOf(error)})`);
  }
};

const readWhereGiven = async (what: string, path: string | undefined): Promise<string | undefined> =>
  path === undefined ? undefined : read(what, path);

const read = async (what: string, path: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw unusable(`${what} cannot be read: ${messageOf(error)}`);
  }
};

const unusable = (what: string): KeyferryError =>
  new KeyferryError('KF_REDIS_UNAVAILABLE', `Redis cannot be dialled: ${what}`);
