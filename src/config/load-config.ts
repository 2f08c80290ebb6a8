import { KeyferryError, messageOf } from '../core/errors.ts';
import type { AppConfig, RedisConfig, SinkConfig, SourceConfig } from './app-config.ts';
import { ConfigDocument, Problems } from './document.ts';
import type { Environment } from './interpolate.ts';
import { readSection } from './read-section.ts';
import { databaseOf, redisConfig } from './redis-config.ts';
import { type Placed, checkHttp, checkSinks, checkSources } from './rules.ts';
import { MAIN, SINK, SOURCE } from './schema.ts';
import type { Section, ValuesOf } from './setting.ts';

export interface ConfigOrigin {
  /** The YAML file, as the user named it. */
  readonly file: string;
  readonly environment: Environment;
  /** Text of a file: the configuration, or a secret that it refers to. */
  readonly readFile: (path: string) => string;
}

type From = Pick<ConfigOrigin, 'environment' | 'readFile'> & { readonly document: ConfigDocument };

/** @throws KF_CONFIG_INVALID, which names every problem at once, a line each: place, key, and what to do. */
export const loadConfig = (origin: ConfigOrigin): AppConfig => {
  const { file, readFile } = origin;
  const problems = new Problems();
  const environment = withoutEmpty(origin.environment);
  const document = new ConfigDocument({ text: readText(origin), file, environment, problems });
  const config = document.root === undefined ? undefined : assemble({ document, environment, readFile });
  if (config === undefined || problems.lines.length > 0) {
    throw new KeyferryError('KF_CONFIG_INVALID', `${file} cannot be used:\n${problems.lines.join('\n')}`);
  }
  return deepFreeze(config);
};

const readText = ({ file, readFile }: ConfigOrigin): string => {
  try {
    return readFile(file);
  } catch (error) {
    throw new KeyferryError('KF_CONFIG_INVALID', `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
};

/** Compose files and charts pass empty variables for what nobody set. */
const withoutEmpty = (environment: Environment): Environment =>
  Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));

const assemble = (from: From): AppConfig | undefined => {
  const { document } = from;
  const main = readSection(MAIN, document.root, [], from);
  const redis = main && redisConfig(main.redis, ['redis'], from);
  const sources = readElements('sources', SOURCE, from, (values) => sourceConfig(values, redis));
  const sinks = readElements('sinks', SINK, from, (values, at) => sinkConfig(values, at, redis, from));
  checkSources(sources, document);
  checkSinks(sinks, document);
  if (document.elements('sources').length + document.elements('sinks').length === 0) {
    document.add(['sources'], 'is empty and so is sinks: give at least one of either');
  }
  if (main === undefined || redis === undefined) return undefined;
  checkHttp(main.http, document);
  return { ...main, redis, sources: sources.map(({ value }) => value), sinks: sinks.map(({ value }) => value) };
};

const readElements = <S extends Section, T>(
  list: string,
  section: S,
  from: From,
  complete: (values: ValuesOf<S>, at: number) => T,
): readonly Placed<T>[] =>
  from.document.elements(list).flatMap((element, at) => {
    const values = readSection(section, element, [list, at], from);
    return values === undefined ? [] : [{ at, value: complete(values, at) }];
  });

/** Where the top-level Redis is unusable, that has been said; its place is held. */
const UNUSABLE: RedisConfig = { url: 'redis://unusable' };

const sourceConfig = (values: ValuesOf<typeof SOURCE>, redis = UNUSABLE): SourceConfig => ({
  ...values,
  databases: values.databases ?? [databaseOf(redis.url)],
});

const sinkConfig = (values: ValuesOf<typeof SINK>, at: number, main = UNUSABLE, from: From): SinkConfig => {
  const redis = redisConfig(values.redis, ['sinks', at, 'redis'], from) ?? main;
  return { ...values, redis, database: values.database ?? databaseOf(redis.url) };
};

const deepFreeze = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
};
