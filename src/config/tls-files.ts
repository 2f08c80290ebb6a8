import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { messageOf } from '../core/errors.ts';
import type { Surroundings } from './secret.ts';
import { type Path, pathName } from './setting.ts';

export interface TlsFiles {
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

/** Whether the files are there, hold PEM, and fit each other; what is wrong is among the document's problems. */
export const checkTlsFiles = ({ caFile, certFile, keyFile }: TlsFiles, path: Path, from: Surroundings): void => {
  const { document, readFile } = from;
  if (certFile !== undefined && keyFile === undefined)
    document.add([...path, 'certFile'], `needs its private key: give ${pathName([...path, 'keyFile'])}`);
  if (keyFile !== undefined && certFile === undefined)
    document.add([...path, 'keyFile'], `needs its certificate: give ${pathName([...path, 'certFile'])}`);
  const read = (key: string, file: string | undefined): string | undefined => {
    try {
      const pem = file === undefined ? undefined : readFile(file);
      if (pem === undefined || pem.includes('-----BEGIN ')) return pem;
      document.add([...path, key], `${String(file)} is no PEM: it must have a line that starts with "-----BEGIN"`);
    } catch (error) {
      document.add([...path, key], `cannot be read: ${messageOf(error)}`);
    }
    return undefined;
  };
  const isUsable = (at: string, use: () => unknown): boolean => {
    try {
      use();
      return true;
    } catch (error) {
      document.add([...path, at], `cannot be used: ${messageOf(error)}`);
      return false;
    }
  };
  const ca = read('caFile', caFile);
  const [cert, key] = [read('certFile', certFile), read('keyFile', keyFile)];
  // createSecureContext passes over a CA that it cannot read.
  if (ca !== undefined) isUsable('caFile', () => new X509Certificate(ca));
  // Whether certificate and key fit each other shows with the key.
  if (cert !== undefined && isUsable('certFile', () => createSecureContext({ cert })) && key !== undefined)
    isUsable('keyFile', () => createSecureContext({ cert, key }));
};
