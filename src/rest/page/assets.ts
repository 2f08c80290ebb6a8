import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';

/** A file of the page, as it is sent. */
export interface Asset {
  readonly type: string;
  readonly body: Buffer;
  /** Of the content, so that a browser asks for it again only after an update. */
  readonly etag: string;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

export const createAsset = (type: string, body: Buffer): Asset => ({
  type,
  body,
  etag: `"${createHash('sha256').update(body).digest('base64url')}"`,
});

/** The chart library goes to the browser as its package has it: nothing is built, nothing comes from elsewhere. */
const libraryFiles = (): readonly (readonly [name: string, path: string])[] => {
  const dist = join(createRequire(import.meta.url).resolve('uplot'), '..');
  return [
    ['uplot.js', join(dist, 'uPlot.esm.js')],
    ['uplot.css', join(dist, 'uPlot.min.css')],
  ];
};

/** All files by name, in memory: a request can ask for these and for no other file. @throws where one is missing */
export const readAssets = (): ReadonlyMap<string, Asset> => {
  const dir = join(import.meta.dirname, 'assets');
  const own = readdirSync(dir).map((name) => [name, join(dir, name)] as const);
  const assets = new Map<string, Asset>();
  for (const [name, path] of [...own, ...libraryFiles()]) {
    const type = TYPES[extname(name)];
    if (type !== undefined) assets.set(name, createAsset(type, readFileSync(path)));
  }
  return assets;
};
