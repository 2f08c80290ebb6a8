import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { parseAllDocuments, stringify } from 'yaml';
import { goTool } from '../support/go-tools.ts';

const run = promisify(execFile);

export const CHART = join(import.meta.dirname, '../../helm/keyferry');
const SCHEMAS = join(import.meta.dirname, '../fixtures/kubernetes-schemas');
const KUBERNETES = '1.33.13';

export type Values = Readonly<Record<string, unknown>>;

/** A Kubernetes object, as far as the tests look into it. */
export interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly data?: Readonly<Record<string, string>>;
  // What else there is depends on the kind.
  readonly spec?: { readonly template?: PodTemplate } & Readonly<Record<string, unknown>>;
}

export interface PodTemplate {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[];
    readonly volumes?: readonly { readonly name: string }[];
  } & Readonly<Record<string, unknown>>;
}

export interface Container {
  readonly name: string;
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly restartPolicy?: string;
  readonly readinessProbe?: unknown;
}

const [helm, unittest, kubeconform] = await Promise.all([
  goTool('helm'),
  goTool('helm-unittest'),
  goTool('kubeconform'),
]);
/** Whether the tools are to be had; what lacks has been said. */
export const has = {
  helm: helm !== undefined,
  unittest: unittest !== undefined,
  kubeconform: kubeconform !== undefined,
};

export interface Rendered {
  /** Everything, hooks too. */
  readonly text: string;
  readonly objects: readonly KubernetesObject[];
  /** @throws where there is not exactly one. */
  readonly one: (kind: string, name?: string) => KubernetesObject;
}

/** `helm template`; flags win over values. @throws with Helm's words where the values are refused. */
export const render = async (values: Values, chart = CHART, flags: readonly string[] = []): Promise<Rendered> => {
  const given = ['--kube-version', KUBERNETES, '--values', '-', ...flags];
  const rendered = await feed(helm, ['template', 'kf', chart, ...given], values);
  const objects = parseAllDocuments(rendered)
    .map((document) => document.toJS() as KubernetesObject | null)
    .filter((object) => object !== null);
  return {
    text: rendered,
    objects,
    one: (kind, name) => {
      const found = objects.filter((each) => each.kind === kind && (name ?? each.metadata.name) === each.metadata.name);
      const [only] = found;
      if (only === undefined || found.length > 1) throw new Error(`${found.length} of ${kind} ${name ?? ''}`);
      return only;
    },
  };
};

/** `helm lint`: its words. @throws where it finds an error. */
export const lint = (values: Values): Promise<string> =>
  feed(helm, ['lint', CHART, '--strict', '--kube-version', KUBERNETES, '--values', '-'], values);

/** Whether Kubernetes knows every field of the objects. @throws with what it does not know. */
export const conform = async (manifests: string): Promise<void> => {
  const location = join(SCHEMAS, '{{.ResourceKind}}{{.KindSuffix}}.json');
  await feed(kubeconform, ['-strict', '-schema-location', location, '-'], manifests);
};

/** helm-unittest on the chart's own suites: its words. */
export const runSuites = async (): Promise<string> => {
  if (unittest === undefined) throw new Error('helm-unittest is missing');
  return (await run(unittest, [CHART], { maxBuffer: Infinity })).stdout;
};

const feed = async (command: string | undefined, args: readonly string[], input: string | Values): Promise<string> => {
  if (command === undefined) throw new Error('the tool is missing');
  const child = spawn(command, args, { stdio: 'pipe' });
  child.stdin.end(typeof input === 'string' ? input : stringify(input));
  const ended = once(child, 'exit') as Promise<[number | null]>;
  const [output, errors, [status]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (status !== 0) throw new Error(`${output}\n${errors}`);
  return output;
};
