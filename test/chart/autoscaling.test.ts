import { describe, expect, test } from 'vitest';
import { conform, has, render } from './helm.ts';

const config = { kafka: { brokers: ['kafka:9092'] }, sinks: [{ name: 'copy', topics: ['a'], group: 'copy' }] };
const byLag = {
  type: 'External',
  external: {
    metric: { name: 'keyferry_sink_lag_records', selector: { matchLabels: { sink: 'copy' } } },
    target: { type: 'AverageValue', averageValue: '10000' },
  },
};

describe.skipIf(!has.helm || !has.kubeconform)('a HorizontalPodAutoscaler', () => {
  test.each<readonly [string, object]>([
    ['by CPU', {}],
    ['by a metric of Keyferry', { metrics: [byLag] }],
    ['that takes its time', { behavior: { scaleDown: { stabilizationWindowSeconds: 600 } } }],
  ])('%s is known to Kubernetes, for Keyferry and for workers', async (_, more) => {
    const hpa = { engine: 'hpa', minReplicaCount: 1, maxReplicaCount: 4, ...more };
    const autoscaling = { enabled: true, ...hpa, workers: [{ name: 'sorter', ...hpa }] };
    const { text, objects } = await render({ config, redis: { enabled: true }, autoscaling });
    const scaled = objects.filter(({ kind }) => kind === 'HorizontalPodAutoscaler');
    expect(scaled.map(({ spec }) => spec)).toMatchObject([
      { scaleTargetRef: { kind: 'StatefulSet', name: 'kf-keyferry' }, minReplicas: 1, maxReplicas: 4 },
      { scaleTargetRef: { kind: 'Deployment', name: 'sorter' }, minReplicas: 1, maxReplicas: 4 },
    ]);
    await conform(text);
  });

  test('with a field that Kubernetes does not know would be found', async () => {
    const autoscaling = { enabled: true, engine: 'hpa', behavior: { scaleDown: { stabilisationWindowSeconds: 600 } } };
    const { text } = await render({ config, redis: { enabled: true }, autoscaling });
    await expect(conform(text)).rejects.toThrow('stabilisationWindowSeconds');
  });
});
