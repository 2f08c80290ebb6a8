import { type RedisCapabilities, lacksOf, readCapabilities } from '../../clients/redis/capabilities.ts';
import type { RedisConnection } from '../../clients/redis/port.ts';
import { KeyferryError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';

/**
 * Servers that speak Redis' protocol and do not tell of every write. Their settings are no proof: Dragonfly shows flags
 * that it has refused, Kvrocks takes `AE` for the two events that it has.
 */
const SILENT: Readonly<Record<string, string>> = {
  dragonfly: 'tells of keys that expire and of no other change',
  garnet: 'tells of no change to a key',
  kvrocks: 'tells of no change to a key, or of SET and DEL only',
};

/** Why a keyspace cannot be mirrored from such a server, be its settings what they may; undefined: it can. */
export const whyUnfit = ({ server, version }: RedisCapabilities): string | undefined => {
  const silence = SILENT[server];
  return silence === undefined ? undefined : `is ${server} ${version}, which ${silence}`;
};

/** What a source knows of the server that it mirrors. */
export interface ServerStatus {
  /** `redis`, `valkey`... */
  readonly name: string;
  /** Empty where the user may not ask. */
  readonly version: string;
  /** What it lacks, each with what follows from that. */
  readonly lacks: readonly string[];
}

/**
 * Says once what the server is and what it lacks.
 * @throws KF_REDIS_NO_NOTIFICATIONS where it does not tell of every write; KF_REDIS_UNAVAILABLE
 */
export const admitServer = async (redis: RedisConnection, logger: Logger): Promise<ServerStatus> => {
  const capabilities = await readCapabilities(redis);
  const reason = whyUnfit(capabilities);
  if (reason !== undefined) throw new KeyferryError('KF_REDIS_NO_NOTIFICATIONS', `The server ${reason}`);
  const { server: name, version } = capabilities;
  const lacks = lacksOf(capabilities);
  logger.info({ server: name, version, lacks }, 'the server to be mirrored');
  return { name, version, lacks };
};
