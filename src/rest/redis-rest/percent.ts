import { RestFailure } from './failure.ts';

/** Any bytes; decodeURIComponent gives them back where they are UTF-8. */
export const percentEncoded = (bytes: Buffer): string =>
  bytes
    .toString('latin1')
    .replace(/[^A-Za-z0-9._~-]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);

/** @throws RestFailure */
export const percentDecoded = (text: string): Buffer => {
  if (/%(?![0-9a-f]{2})/i.test(text)) throw new RestFailure('ERR', 'the URL holds a % that begins no %XX');
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  return Buffer.from(
    bytes.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
};
