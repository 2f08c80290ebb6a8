import type { RedisConnection } from '../../clients/redis/port.ts';
import { type KeyName, keyName } from '../../core/key-name.ts';
import { scanKeys } from '../converge/scan-keys.ts';
import { keyFilter } from '../publish/key-filter.ts';

/** Which keys a source reads: some by name, others by what their names look like. */
export interface WantedStreams {
  readonly named: readonly KeyName[];
  readonly globs: readonly string[];
}

/** @param keys Redis globs; one without special characters is a name. */
export const wantedStreams = (keys: readonly string[]): WantedStreams => {
  const isGlob = (key: string): boolean => /[*?[\\]/.test(key);
  return {
    named: keys.filter((key) => !isGlob(key)).map((key) => keyName(Buffer.from(key))),
    globs: keys.filter(isGlob),
  };
};

/**
 * Goes through all streams of a server's database for those that match.
 * @param rest awaited between two commands: a database of millions of keys is gone through without haste.
 * @throws KF_REDIS_UNAVAILABLE, KF_REDIS_PERMISSION
 */
export const findStreams = async (
  redis: RedisConnection,
  globs: readonly string[],
  { onFound, rest }: { readonly onFound: (key: KeyName) => void; readonly rest: () => Promise<void> },
): Promise<void> => {
  const [first, ...others] = globs;
  if (first === undefined) return;
  const accepts = keyFilter(globs, []);
  const only = others.length === 0 ? ['TYPE', 'stream', 'MATCH', first] : ['TYPE', 'stream'];
  for await (const keys of scanKeys(redis, ...only)) {
    for (const key of keys) if (accepts(key)) onFound(key);
    await rest();
  }
};
