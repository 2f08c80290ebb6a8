import { cpSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import type { AppConfig } from '../../src/config/app-config.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { type Authority, createAuthority } from '../support/certificates.ts';
import { Workplace } from '../support/workplace.ts';
import { CHART, type KubernetesObject, type Values, conform, has, lint, render } from './helm.ts';

const EXAMPLES = join(CHART, 'examples');
const names = (await readdir(EXAMPLES, { recursive: true })).filter(
  (name) => name.endsWith('.yaml') && !name.startsWith('sidecar/'),
);
const valuesOf = (name: string): Values => parse(readFileSync(join(EXAMPLES, name), 'utf8')) as Values;

let workplace: Workplace;
let authority: Authority;
let certificate: { readonly certFile: string; readonly keyFile: string };
beforeAll(async () => {
  workplace = new Workplace();
  authority = await createAuthority(join(workplace.dir, 'tls'));
  certificate = await authority.issue('server');
  return () => workplace.close();
});

/** What Keyferry makes of the configuration in the pod, where every Secret is mounted. @throws as it would. */
const configOf = (map: KubernetesObject): AppConfig => {
  const file = '/etc/keyferry/keyferry.yaml';
  const readFile = (path: string): string => {
    if (path === file) return map.data?.['keyferry.yaml'] ?? '';
    if (!path.startsWith('/run/secrets/keyferry/')) throw new Error(`${path} is no file in the pod`);
    if (path.endsWith('.key')) return readFileSync(certificate.keyFile, 'utf8');
    if (path.endsWith('ca.crt')) return readFileSync(authority.caFile, 'utf8');
    return path.endsWith('.crt') ? readFileSync(certificate.certFile, 'utf8') : `secret of ${path}`;
  };
  return loadConfig({ file, environment: { POD_NAME: 'kf-0' }, readFile });
};

describe.skipIf(!has.helm)('the example', () => {
  test.each(names)('%s gives a configuration that Keyferry takes', async (name) => {
    const { one } = await render(valuesOf(name));
    expect(() => configOf(one('ConfigMap', 'kf-keyferry'))).not.toThrow();
  });

  test.each(names)('%s passes helm lint', async (name) => {
    expect(await lint(valuesOf(name))).toContain('0 chart(s) failed');
  });

  test.skipIf(!has.kubeconform).each(names)('%s gives objects that Kubernetes knows', async (name) => {
    await conform((await render(valuesOf(name))).text);
  });

  test('sidecar puts Keyferry into a pod of another chart, up before the application and down after it', async () => {
    const place = new Workplace();
    onTestFinished(() => place.close());
    const chart = join(place.dir, 'application');
    cpSync(join(EXAMPLES, 'sidecar'), chart, { recursive: true });
    // As `helm dependency update` does it.
    cpSync(CHART, join(chart, 'charts/keyferry'), { recursive: true, filter: (path) => !path.startsWith(EXAMPLES) });
    const { text, one } = await render({}, chart);
    const pod = one('StatefulSet', 'kf').spec?.template;
    expect(pod?.spec.initContainers).toMatchObject([{ name: 'keyferry', restartPolicy: 'Always' }]);
    // A Kafka that is away must not take the application down.
    expect(pod?.spec.initContainers?.[0]).not.toHaveProperty('readinessProbe');
    // Whatever group the files of that pod have.
    expect(text).toMatch(/secretName: kf-keyferry-auth\n +defaultMode: 0444\n/);
    const [source] = configOf(one('ConfigMap', 'kf-keyferry')).sources;
    expect(source).toMatchObject({ topic: 'kf-0.keys' });
    if (has.kubeconform) await conform(text);
  });
});

describe.skipIf(!has.kubeconform)('the plain manifest of the sidecar', () => {
  test('is known to Kubernetes, and has a configuration that Keyferry takes', async () => {
    const manifest = readFileSync(join(CHART, '../../docs/examples/kubernetes-sidecar.yaml'), 'utf8');
    await conform(manifest);
    const [map = ''] = manifest.split('\n---\n');
    expect(() => configOf(parse(map) as KubernetesObject)).not.toThrow();
  });
});
