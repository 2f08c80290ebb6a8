import type { RedisConfig } from './app-config.ts';
import type { OTHER_REDIS, REDIS } from './redis-schema.ts';
import { type Surroundings, readSecret } from './secret.ts';
import type { Path, ValuesOf } from './setting.ts';
import { checkTlsFiles } from './tls-files.ts';

type RedisValues = ValuesOf<typeof REDIS>;
type OtherValues = ValuesOf<typeof OTHER_REDIS>;

/** The database that a Redis URL names, or 0. */
export const databaseOf = (url: string): number => Number(new URL(url).pathname.slice(1));

/** The Redis that everything uses which names no other; what is wrong with it is among the document's problems. */
export const redisConfig = (values: RedisValues, from: Surroundings): RedisConfig => {
  const { topology, nodes, sentinelName, sentinelUsername, sentinelPassword, sentinelPasswordFile } = values;
  const path = ['redis'];
  if (topology === 'sentinel' && nodes.length === 0)
    from.document.add([...path, 'nodes'], 'is empty: give the sentinels, each as host:port');
  if (topology === 'cluster' && nodes.length === 0)
    from.document.add([...path, 'nodes'], 'is empty: give some nodes of the cluster, each as host:port');
  if (topology === 'standalone' && nodes.length > 0)
    from.document.add([...path, 'nodes'], 'has no effect on a standalone server: give redis.topology');
  readSecret('sentinelPassword', values, path, from);
  return {
    ...serverOf(values, values.url, path, from),
    topology,
    nodes,
    sentinelName,
    sentinelUsername,
    sentinelPassword,
    sentinelPasswordFile,
  };
};

/** @returns undefined where no URL is given: it is the Redis that everything uses. */
export const otherRedisConfig = (values: OtherValues, path: Path, from: Surroundings): RedisConfig | undefined => {
  if (values.url !== undefined) return serverOf(values, values.url, path, from);
  const { password, passwordFile, tls } = values;
  if (password !== undefined || passwordFile !== undefined || tls.enabled)
    from.document.add([...path, 'url'], 'is missing: what stands beside it is of no server');
  return undefined;
};

/** A password that was given in a key stands in the URL; one in a file stays there, to be read for each connection. */
const serverOf = (values: OtherValues, text: string, path: Path, from: Surroundings): RedisConfig => {
  const { passwordFile, tls } = values;
  const url = new URL(text);
  const password = readSecret('password', values, path, from);
  if (password !== undefined && url.password !== '')
    from.document.add([...path, 'url'], 'has a password, and another stands beside it: remove one');
  checkTls(values, path, from);
  if (password === undefined || passwordFile !== undefined) return { url: text, passwordFile, tls };
  url.password = encodeURIComponent(password);
  return { url: url.href, passwordFile, tls };
};

const checkTls = ({ url, tls }: OtherValues, path: Path, from: Surroundings): void => {
  const { enabled, ...rest } = tls;
  if (enabled || url?.startsWith('rediss:') === true) {
    checkTlsFiles(tls, [...path, 'tls'], from);
    return;
  }
  for (const [key, value] of Object.entries(rest)) {
    if (value !== undefined)
      from.document.add([...path, 'tls', key], 'has no effect without TLS: use a rediss:// URL, or enabled: true');
  }
};

/** The URL without what must not be shown. */
export const redactedUrl = (text: string): string => {
  const url = new URL(text);
  if (url.password === '') return text;
  url.password = '***';
  return url.href;
};
