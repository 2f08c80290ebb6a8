import { plainMisfits } from '../core/plain-rules.ts';
import type { AppConfig, HttpConfig, PlainSinkConfig, RestConfig, SinkConfig, SourceConfig } from './app-config.ts';
import type { ConfigDocument } from './document.ts';
import type { Path } from './setting.ts';

/** An element of a list beside its place there: others of the list may have been unreadable. */
export interface Placed<T> {
  readonly at: number;
  readonly value: T;
}

type Report = Pick<ConfigDocument, 'add'>;

const LOOPBACK = /^(localhost|127(\.\d+){3}|::1|\[::1\])$/;

/** What single settings cannot tell: those that do not fit each other. */
export const checkSources = (sources: readonly Placed<SourceConfig>[], report: Report): void => {
  checkUnique(sources, 'sources', 'name', 'it names metrics and stored state', report);
  checkShared(sources, report);
  for (const { at, value } of sources) {
    if (value.type !== 'keyspace') {
      if (value.deadLetter === value.topic)
        report.add(['sources', at, 'deadLetter'], 'must be another topic than `topic`');
    } else if (value.databases.length > 1 && !value.topic.includes('{db}')) {
      // I1: one key name may stand in both databases, and a topic has one last record for it.
      const databases = value.databases.join(', ');
      report.add(['sources', at, 'topic'], `must contain {db}: the source carries the databases ${databases}`);
    }
  }
};

/** Redis hands an entry to one consumer of a group, and an item to one taker: two sources would each get some of them. */
const checkShared = (sources: readonly Placed<SourceConfig>[], report: Report): void => {
  const seen = new Map<string, number>();
  for (const { at, value } of sources) {
    if (value.type === 'keyspace') continue;
    const isStream = value.type === 'stream';
    const todo = isStream ? 'give it a group of its own' : 'take it from one of them';
    for (const key of value.keys) {
      const id = JSON.stringify([value.type, value.database, isStream ? value.group : '', key]);
      const first = seen.get(id);
      if (first === undefined) seen.set(id, at);
      else
        report.add(
          ['sources', at, 'keys'],
          `names ${key}, as sources[${first}] does, and the two would share it out: ${todo}`,
        );
    }
  }
};

export const checkSinks = (sinks: readonly Placed<SinkConfig>[], report: Report): void => {
  checkUnique(sinks, 'sinks', 'name', 'it names metrics', report);
  checkUnique(sinks, 'sinks', 'group', 'one group would share out the partitions among the sinks', report);
  for (const { at, value } of sinks) {
    if (value.deadLetter !== undefined && value.topics.includes(value.deadLetter)) {
      report.add(['sinks', at, 'deadLetter'], `must be none of the sink's topics, where ${value.deadLetter} is one`);
    }
    if (value.format !== 'keyferry') checkPlain(value, ['sinks', at], report);
  }
};

const checkPlain = (sink: PlainSinkConfig, path: Path, report: Report): void => {
  // A doubled brace stands for itself.
  const usesPaths = sink.key.replace(/\{\{|\}\}/g, '').includes('{value.');
  for (const { option, what } of plainMisfits({ ...sink, usesPaths })) report.add([...path, option], what);
  const { push, as } = sink;
  if (push !== 'left' && as !== 'list') report.add([...path, 'push'], `is for as: list only, and this is ${as}`);
};

export const checkHttp = (http: HttpConfig, rest: Pick<RestConfig, 'maxBodyBytes'>, report: Report): void => {
  if (http.maxBodyBytesInFlight < rest.maxBodyBytes)
    report.add(
      ['http', 'maxBodyBytesInFlight'],
      `has no room for one body of rest.maxBodyBytes, ${rest.maxBodyBytes}: give at least that`,
    );
  if (http.clientTimeout === 0) report.add(['http', 'clientTimeout'], 'is 0, and nobody is that quick: give more');
  if (http.readOnlyToken !== undefined && http.token === undefined)
    report.add(['http', 'readOnlyToken'], 'protects nothing without http.token: give that too');
  if (http.token !== undefined && http.token === http.readOnlyToken)
    report.add(['http', 'readOnlyToken'], 'is http.token: choose another');
  if (http.allowUnauthenticated || http.token !== undefined || LOOPBACK.test(http.host)) return;
  report.add(
    ['http', 'host'],
    `is ${http.host}, which others reach, and nothing protects the interface: set http.token, listen on 127.0.0.1, or say http.allowUnauthenticated: true`,
  );
};

/** A cluster has one database. Sinks with a Redis of their own write to a single server. */
export const checkCluster = ({ redis, sources, sinks }: Pick<AppConfig, 'redis'> & Lists, report: Report): void => {
  if (redis.topology !== 'cluster') return;
  const check = (path: Path, databases: readonly number[]): void => {
    const other = databases.find((database) => database !== 0);
    if (other !== undefined) report.add(path, `is ${other}, and a cluster has database 0 only`);
  };
  for (const { at, value } of sources) {
    if (value.type === 'keyspace') check(['sources', at, 'databases'], value.databases);
    else check(['sources', at, 'database'], [value.database]);
  }
  for (const { at, value } of sinks) if (value.redis === redis) check(['sinks', at, 'database'], [value.database]);
};

interface Lists {
  readonly sources: readonly Placed<SourceConfig>[];
  readonly sinks: readonly Placed<SinkConfig>[];
}

const checkUnique = <K extends string>(
  elements: readonly Placed<Readonly<Record<K, string>>>[],
  list: string,
  key: K,
  why: string,
  report: Report,
): void => {
  const seen = new Map<string, number>();
  for (const { at, value } of elements) {
    const first = seen.get(value[key]);
    const path: Path = [list, at, key];
    if (first === undefined) seen.set(value[key], at);
    else report.add(path, `is ${value[key]}, as that of ${list}[${first}]: choose another, ${why}`);
  }
};
