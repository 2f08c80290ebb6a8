import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { CHART, type PodTemplate, type Rendered, type Values, conform, has, render, runSuites } from './helm.ts';

const PACKAGE = join(import.meta.dirname, '../../package.json');

const BASE = {
  config: {
    redis: { url: 'redis://redis:6379' },
    kafka: { brokers: ['kafka:9092'] },
    sources: [{ name: 'all-keys' }],
  },
} as const;
const WITH_REDIS = { config: { ...BASE.config, redis: undefined }, redis: { enabled: true } } as const;

const podOf = ({ one }: Pick<Rendered, 'one'>, name: string): PodTemplate => {
  const template = one('StatefulSet', name).spec?.template;
  if (template === undefined) throw new Error(`${name} has no pods`);
  return template;
};

const refusal = async (values: Values): Promise<string> => {
  try {
    await render(values);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the values were taken');
};

test('the chart is of the version of the package', () => {
  const { appVersion } = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8')) as { readonly appVersion: string };
  const { version } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { readonly version: string };
  expect(appVersion).toBe(version);
});

describe.skipIf(!has.unittest)('the suites of helm-unittest', () => {
  test('pass', async () => {
    expect(await runSuites()).toMatch(/Tests: +\d+ passed, \d+ total/);
  });
});

describe.skipIf(!has.helm)('values that cannot work are refused:', () => {
  test.each<readonly [string, Values, string]>([
    ['two owners of a source', { ...BASE, replicaCount: 2 }, 'replicaCount is 2, and config.sources is not empty'],
    ['no owner of a source', { ...BASE, replicaCount: 0 }, 'replicaCount is 0, and config.sources is not empty'],
    ['perhaps no owner', { existingConfigMap: 'mine', replicaCount: 0 }, 'existingConfigMap may have sources'],
    ['nothing to do', { config: { kafka: BASE.config.kafka } }, 'neither sources nor sinks'],
    ['no Kafka', { config: { ...BASE.config, kafka: {} } }, 'config.kafka.brokers is empty'],
    ['no Redis', { config: { ...BASE.config, redis: {} } }, 'neither config.redis says where Redis is'],
    ['two configurations', { ...BASE, existingConfigMap: 'mine' }, 'config and existingConfigMap are both given'],
    ['a drain without time', { ...BASE, terminationGracePeriodSeconds: 20 }, 'terminationGracePeriodSeconds'],
    ['a value that is not known', { ...BASE, replicas: 1 }, "additional properties 'replicas' not allowed"],
    [
      'a claim for two',
      { ...BASE, replicaCount: 2, persistence: { existingClaim: 'x' } },
      'existingClaim is one volume',
    ],
    [
      'a claim for as many as there may be',
      {
        config: { ...BASE.config, sources: [], sinks: [{ name: 'copy', topics: ['a'], group: 'copy' }] },
        autoscaling: { enabled: true, engine: 'hpa' },
        persistence: { existingClaim: 'x' },
      },
      'autoscaling.maxReplicaCount more than one',
    ],
    ['HTTPS without a certificate', { ...BASE, tls: { enabled: true } }, 'tls.enabled needs tls.existingSecret'],
    [
      'probes without certificates',
      { config: { ...BASE.config, http: { tls: { caFile: '/ca.crt' } } } },
      "the kubelet's probes have none",
    ],
    ['a name of the chart’s own', { ...BASE, secretMounts: [{ name: 'redis', secretName: 'x' }] }, 'secretMounts'],
    ['a Redis too many', { ...WITH_REDIS, externalRedis: { existingSecret: 'x' } }, 'one Redis is too many'],
    ['an odd cluster', { ...WITH_REDIS, redis: { enabled: true, cluster: { nodes: 7 } } }, 'give a multiple of 2'],
    ['too small a cluster', { ...WITH_REDIS, redis: { enabled: true, cluster: { nodes: 4 } } }, 'give 6 or more, or 1'],
    ['TLS of nobody', { ...WITH_REDIS, redis: { enabled: true, tls: { enabled: true } } }, 'redis.tls.existingSecret'],
    [
      'users without passwords',
      { ...WITH_REDIS, redis: { enabled: true, auth: { users: { x: { rules: '+@all', passwordKey: 'x' } } } } },
      'redis.auth.users needs',
    ],
  ])('%s', async (_, values, message) => {
    expect(await refusal(values)).toContain(message);
  });

  test('all at once', async () => {
    const message = await refusal({ replicaCount: 2, config: { sources: [{ name: 'x' }] } });
    expect(message.match(/^- /gm)).toHaveLength(3);
  });
});

describe.skipIf(!has.helm)('the chart', () => {
  test('restarts Keyferry with a changed configuration, and not with anything else', async () => {
    const checksum = async (values: Values): Promise<string | undefined> =>
      podOf(await render(values), 'kf-keyferry').metadata.annotations?.['checksum/config'];
    const before = await checksum(BASE);
    expect(await checksum({ ...BASE, commonLabels: { a: 'b' } })).toBe(before);
    expect(await checksum({ config: { ...BASE.config, log: { level: 'debug' } } })).not.toBe(before);
  });

  test('writes large numbers as such', async () => {
    const sources = [{ name: 'all-keys', maxPendingBytes: 64_000_000 }];
    const { one } = await render({ config: { ...BASE.config, sources } });
    expect(one('ConfigMap', 'kf-keyferry').data?.['keyferry.yaml']).toContain('"maxPendingBytes": 64000000');
  });

  test('leaves references to the environment alone', async () => {
    const { one } = await render({ config: { ...BASE.config, redis: { url: '${REDIS_URL:-redis://a}' } } });
    expect(one('ConfigMap', 'kf-keyferry').data?.['keyferry.yaml']).toContain('${REDIS_URL:-redis://a}');
  });

  test('restarts no server of Redis, nor Keyferry, for more of them', async () => {
    const [six, eight] = await Promise.all(
      [6, 8].map((nodes) => render({ ...WITH_REDIS, redis: { enabled: true, cluster: { nodes } } })),
    );
    if (six === undefined || eight === undefined) throw new Error('nothing was rendered');
    for (const name of ['kf-keyferry-redis', 'kf-keyferry']) expect(podOf(eight, name)).toEqual(podOf(six, name));
  });

  test('gives each Job of another content a name of its own', async () => {
    const jobs = await Promise.all(
      [6, 8].map(async (nodes) => {
        const { objects } = await render({ ...WITH_REDIS, redis: { enabled: true, cluster: { nodes } } });
        return objects.find(({ kind, metadata }) => kind === 'Job' && metadata.name.includes('-cluster-'))?.metadata
          .name;
      }),
    );
    expect(jobs[0]).not.toBe(jobs[1]);
  });

  test('puts no secret into a ConfigMap, an argument or a variable', async () => {
    const password = 'of-redis-and-of-nobody-else';
    const { objects } = await render({
      ...WITH_REDIS,
      auth: { token: password },
      redis: { enabled: true, auth: { password } },
    });
    const open = objects.filter(({ kind }) => kind !== 'Secret');
    expect(JSON.stringify(open)).not.toContain(password);
  });

  test('lets no container run as root, or write to its file system', async () => {
    const { objects } = await render({ ...WITH_REDIS, redis: { enabled: true, exporter: { enabled: true } } });
    const pods = objects
      .flatMap(({ kind, spec }) => (kind === 'Pod' ? [spec] : [spec?.template?.spec]))
      .filter(Boolean);
    const containers = pods.flatMap((pod) => {
      const { containers: main, initContainers = [] } = pod as PodTemplate['spec'];
      return [...main, ...initContainers];
    });
    expect(containers.length).toBe(7);
    for (const container of containers) {
      expect(container, container.name).toMatchObject({
        securityContext: {
          runAsNonRoot: true,
          readOnlyRootFilesystem: true,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
        },
      });
    }
  });

  test('mounts what the configuration refers to', async () => {
    const { one } = await render({
      config: { ...BASE.config, kafka: { ...BASE.config.kafka, sasl: { mechanism: 'plain', username: 'me' } } },
      externalRedis: { existingSecret: 'r', tls: { enabled: true, existingSecret: 'ca' } },
      externalKafka: { existingSecret: 'k' },
    });
    const config = one('ConfigMap', 'kf-keyferry').data?.['keyferry.yaml'] ?? '';
    const files = [...config.matchAll(/"(\/run\/secrets\/keyferry\/[^"]+)"/g)].map(([, file = '']) => file);
    expect(files).toHaveLength(4);
    const [container] = podOf({ one }, 'kf-keyferry').spec.containers;
    const mounts = container?.volumeMounts?.map(({ mountPath }) => mountPath) ?? [];
    for (const file of files) expect(mounts).toContain(file.slice(0, file.lastIndexOf('/')));
  });

  test('hands Prometheus and Grafana what the repository has for them, as it is', async () => {
    const on = { enabled: true };
    const { one } = await render({ ...BASE, metrics: { serviceMonitor: on, prometheusRule: on, dashboard: on } });
    const rules = parse(readFileSync(join(CHART, 'files/alerts.yaml'), 'utf8')) as Values;
    expect(one('PrometheusRule', 'kf-keyferry').spec).toEqual({ groups: rules['groups'] });
    const dashboard: unknown = JSON.parse(one('ConfigMap', 'kf-keyferry-dashboard').data?.['keyferry.json'] ?? '');
    expect(dashboard).toEqual(JSON.parse(readFileSync(join(CHART, 'files/dashboard.json'), 'utf8')));
  });

  test.each(['https://git.example.com/keyferry/blob/main', 'https://git.example.com/keyferry/blob/main/'])(
    'leads from each alert to the runbook where it can be read: %s',
    async (runbookUrl) => {
      const { one, text } = await render({ ...BASE, metrics: { prometheusRule: { enabled: true, runbookUrl } } });
      const alerts = readFileSync(join(CHART, 'files/alerts.yaml'), 'utf8');
      const complete = alerts.replaceAll('runbook_url: ', 'runbook_url: https://git.example.com/keyferry/blob/main/');
      expect(complete).not.toBe(alerts);
      expect(one('PrometheusRule', 'kf-keyferry').spec).toEqual(parse(complete));
      if (has.kubeconform) await conform(text);
    },
  );

  test('refuses a runbook that no browser would open', async () => {
    const prometheusRule = { enabled: true, runbookUrl: 'docs' };
    expect(await refusal({ ...BASE, metrics: { prometheusRule } })).toContain("runbookUrl': 'docs' does not match");
  });
});
