import type { AppConfig } from '../../../src/config/app-config.ts';
import { type ConfigOrigin, loadConfig } from '../../../src/config/load-config.ts';
import { isKeyferryError } from '../../../src/core/errors.ts';

export const FILE = 'keyferry.yaml';

interface Surroundings {
  readonly environment?: ConfigOrigin['environment'];
  /** Other files, by path. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Loads a configuration without touching a disk. */
export const load = (yaml: string, { environment = {}, files = {} }: Surroundings = {}): AppConfig =>
  loadConfig({
    file: FILE,
    environment,
    readFile: (path) => {
      const text = path === FILE ? yaml : files[path];
      if (text === undefined) throw new Error(`ENOENT: no such file, open '${path}'`);
      return text;
    },
  });

/** The lines of the error that the configuration gives, without the first, which names the file. */
export const problemsOf = (yaml: string, surroundings?: Surroundings): readonly string[] => {
  try {
    load(yaml, surroundings);
  } catch (error) {
    if (isKeyferryError(error, 'KF_CONFIG_INVALID')) return error.message.split('\n').slice(1);
    throw error;
  }
  return [];
};

/** The least that is a configuration, with more lines under its one source. */
export const oneSource = (...lines: readonly string[]): string =>
  ['sources:', '  - name: all', ...lines.map((line) => `    ${line}`)].join('\n');
