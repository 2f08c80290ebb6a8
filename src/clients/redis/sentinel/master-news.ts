import type { RedisAddress } from '../address.ts';
import type { RedisConnection, RedisReply } from '../port.ts';

/** What one sentinel knows of a master. */
export interface MasterNews {
  readonly address: RedisAddress;
  /** Of the failover that made it the master; 0 where the user may not ask. */
  readonly epoch: number;
}

/**
 * undefined: the sentinel watches no master of this name.
 * @throws as RedisConnection.call does.
 */
export const readNews = async (sentinel: RedisConnection, masterName: string): Promise<MasterNews | undefined> => {
  const [address, details = null] = await sentinel.pipeline([
    // During a failover it names the new master earlier than the details do.
    ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName],
    ['SENTINEL', 'MASTER', masterName],
  ]);
  if (address instanceof Error) throw address;
  if (!Array.isArray(address)) return undefined;
  const [host, port] = address as readonly RedisReply[];
  const epoch = details instanceof Error ? undefined : fieldOf(details, 'config-epoch');
  return { address: { host: String(host), port: Number(String(port)) }, epoch: Number(epoch ?? 0) };
};

const fieldOf = (reply: RedisReply, name: string): string | undefined => {
  const flat = Array.isArray(reply) ? (reply as readonly RedisReply[]).map(String) : [];
  const at = flat.findIndex((field, index) => index % 2 === 0 && field === name);
  return at < 0 ? undefined : flat[at + 1];
};
