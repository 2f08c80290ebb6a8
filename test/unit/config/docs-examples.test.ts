import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { type YamlBlock, chartValues, configurations } from '../docs/documents.ts';
import { CERTIFICATE, PRIVATE_KEY } from './example-pem.ts';
import { load } from './helpers.ts';

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

const isConfiguration = ({ yaml }: YamlBlock): boolean => {
  const document: unknown = parse(yaml);
  const keys = typeof document === 'object' && document !== null ? Object.keys(document) : [];
  return keys.some((key) =>
    ['sources', 'sinks', 'redis', 'kafka', 'http', 'rest', 'state', 'log', 'tracing'].includes(key),
  );
};

describe('each example configuration of the documentation', () => {
  it.each(configurations.filter(isConfiguration))('is loaded as it stands: $place', ({ yaml }) => {
    const config = load(completed(yaml), { files: everyFile });
    expect(config.sources.length + config.sinks.length).toBeGreaterThan(0);
  });

  it.each(['README.md', 'docs/streams.md', 'docs/lists.md', 'docs/sinks.md', 'docs/rest.md'])(
    'is found in %s',
    (name) => {
      expect(configurations.filter(isConfiguration).map(({ place }) => place.split(':')[0])).toContain(name);
    },
  );

  it('is YAML, whatever else stands between its fences', () => {
    expect(configurations.filter((example) => !isConfiguration(example)).map(({ place }) => place)).toEqual([]);
  });
});

describe('each configuration among the values of the chart', () => {
  const withConfig = chartValues
    .map(({ place, yaml }) => ({ place, config: (parse(yaml) as { readonly config?: object }).config }))
    .filter(({ config }) => config !== undefined);

  it.each(withConfig)('is loaded as it stands: $place', ({ config }) => {
    expect(() => load(stringify(config), { files: everyFile })).not.toThrow();
  });
});
