import type { MAIN, SINK, SOURCE } from './schema.ts';
import type { ValuesOf } from './setting.ts';

/** One Redis: user, password and database stand in its URL. */
export interface RedisConfig {
  readonly url: string;
}

type Main = ValuesOf<typeof MAIN>;

export type SourceConfig = Omit<ValuesOf<typeof SOURCE>, 'databases'> & { readonly databases: readonly number[] };

export type SinkConfig = Omit<ValuesOf<typeof SINK>, 'database' | 'redis'> & {
  readonly database: number;
  readonly redis: RedisConfig;
};

/** The whole configuration, checked and complete, frozen all the way down. Durations are milliseconds. */
export type AppConfig = Omit<Main, 'redis'> & {
  readonly redis: RedisConfig;
  readonly sources: readonly SourceConfig[];
  readonly sinks: readonly SinkConfig[];
};
