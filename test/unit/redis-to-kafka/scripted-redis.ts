import type {
  RedisClient,
  RedisConnection,
  RedisMaster,
  RedisReply,
  RedisSubscription,
} from '../../../src/clients/redis/port.ts';
import { KeyferryError } from '../../../src/core/errors.ts';

const away = (): KeyferryError => new KeyferryError('KF_REDIS_UNAVAILABLE', 'away');

/** Empty masters, as a test says they stand: no server, no socket. */
export class ScriptedRedis implements RedisClient {
  readonly isCluster = true;
  /** notify-keyspace-events of all masters. */
  flags = 'AE';
  /** What INFO answers, whichever section is asked for; an error: it is refused. */
  info: string | Error = 'run_id:1\nmaster_replid:1\nrole:master';
  /** Ids of those that cannot be reached. */
  readonly away = new Set<string>();
  /** Connections and subscriptions that are open, by master. */
  readonly open: string[] = [];
  #masters: readonly RedisMaster[] = [];
  readonly #listeners = new Set<(masters: readonly RedisMaster[]) => void>();
  readonly #hangUps = new Map<string, Set<() => void>>();

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Why nobody tells the masters. */
  failure: KeyferryError | undefined;

  /** The topology shows these now. */
  show(...masters: readonly RedisMaster[]): void {
    this.#masters = masters;
    for (const listener of this.#listeners) listener(masters);
  }

  /** Its connections break, and no new one comes about. */
  lose(id: string): void {
    this.away.add(id);
    for (const hangUp of [...(this.#hangUps.get(id) ?? [])]) hangUp();
  }

  topology(): ReturnType<RedisClient['topology']> {
    const mine = new Set<(masters: readonly RedisMaster[]) => void>();
    const masters = (): readonly RedisMaster[] => this.#masters;
    const failure = (): KeyferryError | undefined => this.failure;
    return {
      get masters() {
        return masters();
      },
      get failure() {
        return failure();
      },
      onChange: (listener) => {
        mine.add(listener);
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
      ready: () => Promise.resolve(),
      refresh: () => undefined,
      close: () => {
        for (const listener of mine) this.#listeners.delete(listener);
      },
    };
  }

  connect(): RedisConnection {
    return this.#connection('all');
  }

  connectNode({ id }: RedisMaster): RedisConnection {
    return this.#connection(id);
  }

  subscribe(): Promise<RedisSubscription> {
    return Promise.reject(away());
  }

  subscribeNode({ id }: RedisMaster): Promise<RedisSubscription> {
    if (this.away.has(id)) return Promise.reject(away());
    const lost = Promise.withResolvers<string>();
    const hangUps = this.#hangUps.get(id) ?? new Set();
    this.#hangUps.set(id, hangUps);
    const hangUp = (): void => {
      if (!hangUps.delete(hangUp)) return;
      this.#closed(id);
      lost.resolve('hung up');
    };
    hangUps.add(hangUp);
    this.open.push(id);
    return Promise.resolve({ lost: lost.promise, flushWatch: true, close: hangUp });
  }

  #connection(id: string): RedisConnection {
    this.open.push(id);
    let isOpen = true;
    const isReady = (): boolean => isOpen && !this.away.has(id);
    const call = async (name: string): Promise<RedisReply> => {
      await Promise.resolve();
      if (!isReady()) throw away();
      return this.#reply(name);
    };
    return {
      call,
      pipeline: (commands) => Promise.all(commands.map(([name]) => call(name))),
      script: () => Promise.reject(away()),
      scriptEach: (_, { keys }) => Promise.resolve(keys.map(() => null)),
      serverOf: () => id,
      ready: () => (isReady() ? Promise.resolve() : Promise.reject(away())),
      get isReady() {
        return isReady();
      },
      close: () => {
        if (isOpen) this.#closed(id);
        isOpen = false;
        return Promise.resolve();
      },
    };
  }

  #reply(name: string): RedisReply {
    if (name === 'CONFIG') return [Buffer.from('notify-keyspace-events'), Buffer.from(this.flags)];
    if (name === 'INFO') {
      if (this.info instanceof Error) throw this.info;
      return Buffer.from(this.info);
    }
    if (name === 'SCAN') return [Buffer.from('0'), []];
    return name === 'DBSIZE' ? 0 : null;
  }

  #closed(id: string): void {
    this.open.splice(this.open.indexOf(id), 1);
  }
}
