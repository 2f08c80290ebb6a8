import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { Workplace } from '../support/workplace.ts';
import { CHART, type Values, conform, has, render } from './helm.ts';

const DOCS = join(import.meta.dirname, '../../docs/examples');

/** What docs/examples has for Kubernetes, beside the chart's own examples. */
describe.skipIf(!has.helm)('the documents', () => {
  test.skipIf(!has.kubeconform).each(['celery/worker.yaml', 'envoy/sidecar.yaml'])(
    'show a manifest that Kubernetes knows: %s',
    async (name) => {
      await conform(readFileSync(join(DOCS, name), 'utf8'));
    },
  );

  test('show values that scale Celery workers by what waits and what is in hand', async () => {
    const values = parse(readFileSync(join(DOCS, 'celery/keyferry-values.yaml'), 'utf8')) as Values;
    const { text, one } = await render(values);
    const { spec } = one('ScaledObject', 'celery-worker');
    expect(spec).toMatchObject({
      minReplicaCount: 0,
      triggers: [{ metadata: { listName: 'celery' } }, { metadata: { listName: 'unacked' } }],
    });
    if (has.kubeconform) await conform(text);
  });

  test('show a chart that has Envoy in its pod, up before the application', async () => {
    const place = new Workplace();
    onTestFinished(() => place.close());
    const chart = join(place.dir, 'application');
    cpSync(join(DOCS, 'envoy/chart'), chart, { recursive: true });
    // As `helm dependency update` does it.
    cpSync(CHART, join(chart, 'charts/keyferry'), { recursive: true });
    const { text, one } = await render({}, chart);
    const pod = one('Deployment', 'application').spec?.template;
    expect(pod?.spec.initContainers).toMatchObject([{ name: 'redis-proxy', restartPolicy: 'Always' }]);
    expect(pod?.spec.volumes?.map(({ name }) => name)).toEqual(['redis-proxy-config', 'redis-proxy-login']);
    expect(pod?.metadata.annotations).toHaveProperty('checksum/redis-proxy');
    if (has.kubeconform) await conform(text);
  });
});
