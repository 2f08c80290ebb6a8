import type { KafkaConfig } from './kafka-config.ts';
import type { REDIS } from './redis-schema.ts';
import type { MAIN } from './schema.ts';
import type { ElementOf, ValuesOf } from './setting.ts';

type RedisValues = ValuesOf<typeof REDIS>;

/**
 * One Redis: user and database stand in its URL, and so does a password that is not in a file. Without a topology it is
 * a single server.
 */
export type RedisConfig = { readonly url: string } & Partial<Omit<RedisValues, 'url' | 'password'>>;

type Main = ValuesOf<typeof MAIN>;

export type SourceValues = ElementOf<typeof MAIN.sources>;
export type SinkValues = ElementOf<typeof MAIN.sinks>;

/** With what the file may leave open filled in, for each type of the union. */
type Complete<Values, Filled> = Values extends unknown ? Omit<Values, keyof Filled> & Filled : never;

export type KeyspaceSourceConfig = Complete<
  Extract<SourceValues, { type: 'keyspace' }>,
  { readonly databases: readonly number[] }
>;
export type EventSourceConfig = Complete<Exclude<SourceValues, { type: 'keyspace' }>, { readonly database: number }>;
export type SourceConfig = KeyspaceSourceConfig | EventSourceConfig;
export type StreamSourceConfig = Extract<SourceConfig, { type: 'stream' }>;
export type ListSourceConfig = Extract<SourceConfig, { type: 'list' }>;

export type SinkConfig = Complete<SinkValues, { readonly database: number; readonly redis: RedisConfig }>;
export type PlainSinkConfig = Extract<SinkConfig, { as: unknown }>;

/** Tokens that were given in files stand here too. */
export type HttpConfig = Omit<Main['http'], 'tokenFile' | 'readOnlyTokenFile' | 'tls'> & {
  /** undefined: HTTP, not HTTPS. */
  readonly tls: HttpTlsConfig | undefined;
};

/** Files are read again when they change: what stands in them is not part of the configuration. */
export type HttpTlsConfig = Main['http']['tls'] & { readonly certFile: string; readonly keyFile: string };

export type RestConfig = Main['rest'] & {
  /** The one that redis.url names. */
  readonly database: number;
  readonly readThrough: readonly ElementOf<typeof MAIN.rest.readThrough>[];
};

/** The whole configuration, checked and complete, frozen all the way down. Durations are milliseconds. */
export type AppConfig = Omit<Main, 'redis' | 'kafka' | 'http' | 'rest'> & {
  readonly redis: RedisConfig;
  readonly kafka: KafkaConfig;
  readonly http: HttpConfig;
  readonly rest: RestConfig;
  readonly sources: readonly SourceConfig[];
  readonly sinks: readonly SinkConfig[];
};
