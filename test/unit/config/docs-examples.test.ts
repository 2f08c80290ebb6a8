import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CERTIFICATE, PRIVATE_KEY } from './example-pem.ts';
import { load } from './helpers.ts';

const ROOT = new URL('../../../', import.meta.url);
const documents = [
  'README.md',
  ...readdirSync(new URL('docs/', ROOT), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

interface Example {
  readonly place: string;
  readonly yaml: string;
}

const YAML_BLOCK = /^```ya?ml\n([^]*?)^```$/gm;

const examplesOf = (document: string): readonly Example[] => {
  const text = readFileSync(new URL(document, ROOT), 'utf8');
  return Array.from(text.matchAll(YAML_BLOCK), ({ index, 1: yaml = '' }) => ({
    place: `${document}:${text.slice(0, index).split('\n').length}`,
    yaml,
  }));
};

/** They show values of the chart, and templates that use it. */
const ON_KUBERNETES = ['docs/autoscaling.md', 'docs/kubernetes.md', 'docs/proxy.md', 'docs/two-clusters.md'];

const examples = documents.filter((name) => !ON_KUBERNETES.includes(name)).flatMap(examplesOf);
const chartExamples = ON_KUBERNETES.flatMap(examplesOf).filter(({ yaml }) => !yaml.includes('{{'));

/** An example may show one section only; a configuration has something to carry. */
const completed = (yaml: string): string =>
  /^(sources|sinks):/m.test(yaml) ? yaml : `${yaml}\nsources: [{ name: all }]`;

/** Whatever file an example names is there, as what its name says. */
const everyFile = new Proxy<Readonly<Record<string, string>>>(
  {},
  {
    get: (_, name) =>
      /\.pem$/.test(String(name)) ? CERTIFICATE : /\.key$/.test(String(name)) ? PRIVATE_KEY : 'secret',
  },
);

const isConfiguration = ({ yaml }: Example): boolean => {
  const document: unknown = parse(yaml);
  const keys = typeof document === 'object' && document !== null ? Object.keys(document) : [];
  return keys.some((key) =>
    ['sources', 'sinks', 'redis', 'kafka', 'http', 'rest', 'state', 'log', 'tracing'].includes(key),
  );
};

describe('each example configuration of the documentation', () => {
  it.each(examples.filter(isConfiguration))('is loaded as it stands: $place', ({ yaml }) => {
    const config = load(completed(yaml), { files: everyFile });
    expect(config.sources.length + config.sinks.length).toBeGreaterThan(0);
  });

  it.each(['README.md', 'docs/streams.md', 'docs/lists.md', 'docs/sinks.md', 'docs/rest.md'])(
    'is found in %s',
    (name) => {
      expect(examples.filter(isConfiguration).map(({ place }) => place.split(':')[0])).toContain(name);
    },
  );

  it('is YAML, whatever else stands between its fences', () => {
    expect(examples.filter((example) => !isConfiguration(example)).map(({ place }) => place)).toEqual([]);
  });
});

describe('each example of values of the chart', () => {
  const values: unknown = parse(readFileSync(new URL('helm/keyferry/values.yaml', ROOT), 'utf8'));

  it.each(chartExamples)('sets what there is to set: $place', ({ yaml }) => {
    const example: unknown = parse(yaml);
    expect(Object.keys(values as object)).toEqual(expect.arrayContaining(Object.keys(example as object)));
  });
});
