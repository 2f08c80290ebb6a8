import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { type SecureContext, createSecureContext } from 'node:tls';

import { KeyferryError, messageOf } from '../../../core/errors.ts';

/** PEM files, as the configuration names them. */
export interface TlsFiles {
  /** Who may have signed the brokers' certificates. Absent: the CAs that Node knows. */
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** The name that each broker's certificate must have. Absent: the host that is connected to. */
  readonly serverName?: string | undefined;
}

export interface TlsAccess {
  /** Of the files as they are now: certificates may be renewed while we run. An own property, as libraries copy those. */
  readonly secureContext: SecureContext;
  readonly serverName: string | undefined;
}

/** @throws KF_KAFKA_AUTH where a file cannot be read or used; later on, the files that were good last stay in use. */
export const tlsAccess = (files: TlsFiles): TlsAccess => {
  let texts = readTexts(files);
  let context = secureContext(texts);
  const renew = (): void => {
    try {
      const fresh = readTexts(files);
      if (fresh.every((text, at) => text === texts[at])) return;
      context = secureContext(fresh);
      texts = fresh;
    } catch {
      // A renewal that is under way: the next connection looks again.
    }
  };
  return {
    get secureContext() {
      renew();
      return context;
    },
    serverName: files.serverName,
  };
};

type Texts = readonly [ca: string | undefined, cert: string | undefined, key: string | undefined];

const readTexts = ({ caFile, certFile, keyFile }: TlsFiles): Texts => [read(caFile), read(certFile), read(keyFile)];

const read = (file: string | undefined): string | undefined => {
  try {
    return file === undefined ? undefined : readFileSync(file, 'utf8');
  } catch (error) {
    throw new KeyferryError('KF_KAFKA_AUTH', `kafka.tls: ${messageOf(error)}`, { cause: error });
  }
};

const secureContext = ([ca, cert, key]: Texts): SecureContext => {
  try {
    // OpenSSL passes over a CA that it cannot read.
    if (ca !== undefined) assertCertificates(ca);
    return createSecureContext({ ca, cert, key });
  } catch (error) {
    const what = 'is no PEM, or certificate and key do not fit';
    throw new KeyferryError('KF_KAFKA_AUTH', `kafka.tls: a file ${what}: ${messageOf(error)}`, { cause: error });
  }
};

const BEGIN = '-----BEGIN CERTIFICATE-----';

/** @throws where one of them is damaged, or there is none */
const assertCertificates = (pem: string): void => {
  const [, ...certificates] = pem.split(BEGIN);
  if (certificates.length === 0) throw new Error('it has no certificate');
  for (const certificate of certificates) new X509Certificate(`${BEGIN}${certificate}`).toString();
};

/** Whether hosts may be named in the handshake (SNI), as proxies in front of brokers want it: addresses may not. */
export const namesHosts = (brokers: readonly string[]): boolean =>
  brokers.every((broker) => isIP(broker.slice(0, broker.lastIndexOf(':')).replace(/^\[|\]$/g, '')) === 0);
