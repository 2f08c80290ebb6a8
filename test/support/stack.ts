import type { TlsFiles } from './certificates.ts';

/**
 * The servers that tests and the demo run against: real Redis and real Kafka, from local processes or containers. Both
 * providers give the same handles, so that the same tests run on either.
 */
export interface RedisServer {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** SIGKILL: nothing is saved. Resolves when the process has gone. */
  kill(): Promise<void>;
  /** Graceful (SHUTDOWN); saves where `save` or appendonly is set. */
  stop(): Promise<void>;
  /** Starts it again on the same port and data directory, after stop or kill. */
  start(): Promise<void>;
  /** SIGSTOP / SIGCONT: the process is there and answers nothing. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
}

export interface KafkaServer {
  /** host:port */
  readonly brokers: readonly string[];
  kill(): Promise<void>;
  stop(): Promise<void>;
  start(): Promise<void>;
}

export interface RedisOptions {
  /** Further redis-server arguments: `['--requirepass', 'x']`. Memory only unless they say otherwise. */
  readonly args?: readonly string[];
  /** Whether DEBUG is to be allowed: before Redis 7 it always is, and the setting is not known. */
  readonly debug?: boolean;
  /** It speaks TLS and nothing else, and wants a certificate of its clients. Local processes only: they can read the files. */
  readonly tls?: TlsFiles;
}

export interface StackProvider {
  readonly name: 'processes' | 'containers';
  startRedis(options?: RedisOptions): Promise<RedisServer>;
  /** One KRaft broker, topics not created automatically. @param config further broker properties. */
  startKafka(options?: { readonly config?: Readonly<Record<string, string>> }): Promise<KafkaServer>;
  /** Ends everything that this provider started. */
  dispose(): Promise<void>;
}
