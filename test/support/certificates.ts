import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { tool } from './tools.ts';

const run = promisify(execFile);

/** Paths of PEM files. */
export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Who speaks TLS with a certificate of its own, and whom it trusts. */
export interface TlsFiles extends Certificate {
  readonly caFile: string;
}

export interface Authority {
  readonly caFile: string;
  /** @param days of validity; negative: it has expired. @param names as openssl writes them: `IP:127.0.0.1` */
  issue(name: string, options?: { readonly days?: number; readonly names?: readonly string[] }): Promise<Certificate>;
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** A certificate authority of its own in a directory, by openssl. */
export const createAuthority = async (dir: string): Promise<Authority> => {
  const openssl = await tool('openssl', 'openssl');
  mkdirSync(dir, { recursive: true });
  const caFile = join(dir, 'ca.pem');
  const caKey = join(dir, 'ca-key.pem');
  await run(openssl, [
    'req',
    '-x509',
    ...NEW_KEY,
    ...['-subj', '/CN=Keyferry test CA', '-days', '2', '-keyout', caKey, '-out', caFile],
  ]);
  const issue: Authority['issue'] = async (name, { days = 2, names = ['IP:127.0.0.1', 'DNS:localhost'] } = {}) => {
    const [certFile, keyFile, request] = ['pem', 'key.pem', 'csr'].map((end) => join(dir, `${name}.${end}`)) as [
      string,
      string,
      string,
    ];
    const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${names.join(',')}`];
    await run(openssl, ['req', ...NEW_KEY, ...subject, '-keyout', keyFile, '-out', request]);
    const signer = ['-CA', caFile, '-CAkey', caKey, '-CAcreateserial', '-copy_extensions', 'copy'];
    await run(openssl, ['x509', '-req', '-in', request, ...signer, '-days', String(days), '-out', certFile]);
    return { certFile, keyFile };
  };
  return { caFile, issue };
};

/** A PEM file as one value of a Java properties file. */
export const inProperties = (file: string): string => readFileSync(file, 'utf8').trim().replaceAll('\n', '\\n');
