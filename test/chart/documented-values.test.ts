import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ROOT, chartValues, commandsOf, documents } from '../unit/docs/documents.ts';
import { CHART, type Rendered, type Values, conform, has, render } from './helm.ts';

const KAFKA = { brokers: ['kafka.data.svc.cluster.local:9092'] };
const SINKS = [{ name: 'copy', topics: ['redis.0'], group: 'copy' }];

/** What an example leaves out since it is about something else: a Redis, a Kafka, and something to carry. */
const completed = (example: Values): Values => {
  const { config, redis, autoscaling } = example as Readonly<Record<string, Values | undefined>>;
  // Of workers, or of Keyferry itself, where it has sinks alone.
  const isOfKeyferry = autoscaling !== undefined && !('workers' in autoscaling);
  return {
    ...example,
    config: config ?? { kafka: KAFKA, ...(isOfKeyferry ? { sinks: SINKS } : { sources: [{ name: 'all-keys' }] }) },
    redis: { enabled: true, ...redis },
    ...(isOfKeyferry && { autoscaling: { enabled: true, ...autoscaling } }),
  };
};

describe.skipIf(!has.helm)('values of the chart that documents show', () => {
  test.each(chartValues)('are taken by it, and give objects that Kubernetes knows: $place', async ({ yaml }) => {
    const { text } = await render(completed(parse(yaml) as Values));
    if (has.kubeconform) await conform(text);
  });

  test('are found where they stand', () => {
    const places = chartValues.map(({ place }) => place.split(':')[0]);
    expect(new Set(places)).toEqual(new Set(['docs/autoscaling.md', 'docs/kubernetes.md', 'docs/proxy.md']));
  });

  test.each<readonly [Values, string]>([
    [{ redis: { image: { tags: '8.0.1' } } }, "additional properties 'tags' not allowed"],
    [{ autoscaling: { workers: [{ name: 'x', maxReplicas: 3 }] } }, "additional properties 'maxReplicas' not allowed"],
    [{ autoscaling: { lagThreshold: 'many' } }, 'got string, want'],
  ])('would be found wrong: %j', async (values, message) => {
    await expect(render(completed(values))).rejects.toThrow(message);
  });
});

const FLAG = /(--(?:set|set-string|set-json|set-literal|set-file|values)|-f)[ =]('[^']*'|"[^"]*"|\S+)/g;

/** The flags of a command that give values, as the shell hands them over. */
const valueFlags = (command: string): readonly string[] =>
  Array.from(command.matchAll(FLAG), ([, flag = '', word = '']) => {
    const value = word.replace(/^(['"])(.*)\1$/, '$2');
    return [flag, /^(--values|-f)$/.test(flag) ? join(ROOT, value) : value];
  }).flat();

/** `helm upgrade ... --set x=y`: beside the values that a release has already. */
const isInAddition = (command: string): boolean => command.includes(' ... ');

const commands = documents
  .flatMap((document) => commandsOf(document).map((command) => ({ place: document.path, command })))
  .filter(({ command }) => /^helm .*\b(install|upgrade|template)\b/.test(command) && valueFlags(command).length > 0);

/** All else of a StatefulSet is for ever. */
const CHANGEABLE = [
  ...['replicas', 'ordinals', 'template', 'updateStrategy', 'minReadySeconds', 'revisionHistoryLimit'],
  'persistentVolumeClaimRetentionPolicy',
];
const fixedFields = ({ objects }: Rendered): readonly object[] =>
  objects
    .filter(({ kind }) => kind === 'StatefulSet')
    .map(({ metadata, spec }) => ({
      name: metadata.name,
      fixed: Object.fromEntries(Object.entries(spec ?? {}).filter(([field]) => !CHANGEABLE.includes(field))),
    }));

describe.skipIf(!has.helm)('commands that documents show', () => {
  const outcomeOf = (command: string) => render(isInAddition(command) ? completed({}) : {}, CHART, valueFlags(command));

  test.each(commands)('give values that the chart takes: $command ($place)', async ({ command }) => {
    const { text } = await outcomeOf(command);
    if (has.kubeconform) await conform(text);
  });

  test.each(['a', 'b'])(
    'change only what Kubernetes lets change, where two clusters swap roles: %s',
    async (context) => {
      const steps = commands.filter(({ command }) => command.startsWith(`helm --kube-context ${context} `));
      expect(steps.map(({ command }) => / (install|upgrade) /.exec(command)?.[1])).toEqual(['install', 'upgrade']);
      const [before, after] = await Promise.all(
        steps.map(async ({ command }) => fixedFields(await outcomeOf(command))),
      );
      expect(before).toHaveLength(2);
      expect(after).toEqual(before);
    },
  );

  test('are found where they stand', () => {
    const flags = commands.map(({ place, command }) => [place, ...valueFlags(command)]);
    expect(flags).toContainEqual(['docs/kubernetes.md', '--set', 'redis.cluster.nodes=8']);
    expect(flags.flat()).toContain('config.kafka.brokers={kafka:9092}');
  });

  test.each([
    ['helm upgrade ... --set redis.nodes=8', "additional properties 'nodes' not allowed"],
    ['helm upgrade ... --set redis.cluster.nodes=7', 'give a multiple of 2'],
    ['helm install kf helm/keyferry --set redis.enabled=true', 'config.kafka.brokers is empty'],
  ])('would be found wrong: %s', async (command, message) => {
    await expect(outcomeOf(command)).rejects.toThrow(message);
  });
});
