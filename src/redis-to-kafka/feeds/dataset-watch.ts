import { infoField } from '../../clients/redis/info.ts';
import type { RedisConnection } from '../../clients/redis/port.ts';

/** What tells one dataset from another: the process that serves it, and its line of replication. */
interface Identity {
  readonly runId: string;
  readonly replicationId: string;
  readonly role: string;
}

export const parseIdentity = (info: string): Identity => ({
  runId: infoField(info, 'run_id') ?? '',
  replicationId: infoField(info, 'master_replid') ?? '',
  role: infoField(info, 'role') ?? '',
});

/**
 * Notices that the dataset was replaced under our feet: another process (restarted from another file), or another master
 * (REPLICAOF). Neither is told by a notification.
 */
export class DatasetWatch {
  readonly #redis: RedisConnection;
  readonly #onReplaced: () => void;
  #known: Identity | undefined;

  constructor(options: { readonly redis: RedisConnection; readonly onReplaced: () => void }) {
    this.#redis = options.redis;
    this.#onReplaced = options.onReplaced;
  }

  /** @throws as RedisConnection.call does. */
  async look(): Promise<void> {
    const server = String(await this.#redis.call('INFO', 'server'));
    const replication = String(await this.#redis.call('INFO', 'replication'));
    const found = parseIdentity(`${server}\n${replication}`);
    const known = this.#known;
    this.#known = found;
    if (known === undefined) return;
    const same =
      known.runId === found.runId && known.replicationId === found.replicationId && known.role === found.role;
    if (!same) this.#onReplaced();
  }
}
