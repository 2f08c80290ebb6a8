import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where what was fetched or built once is kept for the runs to come; KEYFERRY_CACHE_DIR names another place. */
export const cacheDir = (): string =>
  process.env['KEYFERRY_CACHE_DIR'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'keyferry');
