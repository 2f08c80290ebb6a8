import { KeyferryError, messageOf } from '../core/errors.ts';
import type { AppConfig, RedisConfig, SinkConfig, SinkValues, SourceConfig, SourceValues } from './app-config.ts';
import { ConfigDocument, Problems } from './document.ts';
import { httpConfig } from './http-config.ts';
import type { Environment } from './interpolate.ts';
import { kafkaConfig } from './kafka-config.ts';
import { readElements } from './read-elements.ts';
import { readSection } from './read-section.ts';
import { databaseOf, otherRedisConfig, redisConfig } from './redis-config.ts';
import { checkCluster, checkHttp, checkSinks, checkSources } from './rules.ts';
import { MAIN } from './schema.ts';

export interface ConfigOrigin {
  /** The YAML file, as the user named it. */
  readonly file: string;
  readonly environment: Environment;
  /** Text of a file: the configuration, or a secret that it refers to. */
  readonly readFile: (path: string) => string;
}

type Origin = Pick<ConfigOrigin, 'environment' | 'readFile'> & { readonly document: ConfigDocument };

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

const assemble = (from: Origin): AppConfig | undefined => {
  const { document } = from;
  const main = readSection(MAIN, document.root, [], from);
  const redis = main && redisConfig(main.redis, from);
  const sources = readElements(['sources'], MAIN.sources, from).map(({ at, value }) => ({
    at,
    value: sourceConfig(value, redis),
  }));
  const sinks = readElements(['sinks'], MAIN.sinks, from).map(({ at, value }) => ({
    at,
    value: sinkConfig(value, at, redis, from),
  }));
  const readThrough = readElements(['rest', 'readThrough'], MAIN.rest.readThrough, from).map(({ value }) => value);
  checkSources(sources, document);
  checkSinks(sinks, document);
  if (document.elements(['sources']).length + document.elements(['sinks']).length === 0) {
    document.add(['sources'], 'is empty and so is sinks: give at least one of either');
  }
  if (main === undefined || redis === undefined) return undefined;
  checkCluster({ redis, sources, sinks }, document);
  const kafka = kafkaConfig(main.kafka, from);
  const http = httpConfig(main.http, from);
  checkHttp(http, main.rest, document);
  return {
    ...main,
    redis,
    kafka,
    http,
    rest: { ...main.rest, database: databaseOf(redis.url), readThrough },
    sources: sources.map(({ value }) => value),
    sinks: sinks.map(({ value }) => value),
  };
};

/** Where the top-level Redis is unusable, that has been said; its place is held. */
const UNUSABLE: RedisConfig = { url: 'redis://unusable' };

const sourceConfig = (values: SourceValues, redis = UNUSABLE): SourceConfig => {
  const database = databaseOf(redis.url);
  return 'databases' in values
    ? { ...values, type: 'keyspace', databases: values.databases ?? [database] }
    : { ...values, database: values.database ?? database };
};

const sinkConfig = (values: SinkValues, at: number, main = UNUSABLE, from: Origin): SinkConfig => {
  const redis = otherRedisConfig(values.redis, ['sinks', at, 'redis'], from) ?? main;
  return { ...values, redis, database: values.database ?? databaseOf(redis.url) };
};

const deepFreeze = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
};
