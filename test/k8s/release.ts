import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { eventually } from '../support/eventually.ts';
import type { DaemonStatus } from '../support/daemon.ts';
import type { Images } from './global-setup.ts';
import { type Namespace, isReady } from './kubernetes.ts';

const CHART = join(import.meta.dirname, '../../helm/keyferry');
const ROOM_FOR_A_ROLLOUT = '20m';

export type Values = Readonly<Record<string, unknown>>;

/** `host/repository:tag`, as the chart wants it. */
export const imageValues = (image: string): Values => {
  const [repository, tag] = image.split(/:(?=[^/]*$)/);
  return { registry: '', repository, tag };
};

/** As small as a cluster on one machine wants it. */
const defaults = ({ keyferry, redis }: Images): Values => ({
  ...(parse(readFileSync(join(import.meta.dirname, 'values.yaml'), 'utf8')) as Values),
  image: imageValues(keyferry),
  redisImage: imageValues(redis),
});

const isMap = (value: unknown): value is Values => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Maps are merged, everything else is replaced, as Helm does it. */
const merged = (base: Values, over: Values): Values =>
  Object.entries(over).reduce<Values>((all, [key, value]) => {
    const standing = all[key];
    return { ...all, [key]: isMap(standing) && isMap(value) ? merged(standing, value) : value };
  }, base);

/** The chart, installed. It is called keyferry, and so are its objects. */
export class Release {
  readonly namespace: Namespace;
  #values: Values;
  #formerValues: Values = {};

  constructor(namespace: Namespace, images: Images, values: Values) {
    this.namespace = namespace;
    const { redisImage, ...rest } = defaults(images);
    this.#values = merged(merged(rest, { redis: { image: redisImage } }), values);
  }

  /** Installs it, or changes its values. Resolves once all its pods are ready. */
  async upgrade(changes: Values = {}, { wait = true } = {}): Promise<void> {
    this.#formerValues = this.#values;
    this.#values = merged(this.#values, changes);
    const waiting = wait ? ['--wait', '--timeout', ROOM_FOR_A_ROLLOUT] : [];
    await this.namespace.helm(
      ['upgrade', '--install', 'keyferry', CHART, '--values', '-', ...waiting],
      stringify(this.#values),
    );
  }

  /** To what there was before the last upgrade. */
  async rollback(): Promise<void> {
    this.#values = this.#formerValues;
    await this.namespace.helm(['rollback', 'keyferry', '--wait', '--timeout', ROOM_FOR_A_ROLLOUT]);
  }

  /** `helm test`. Gives what the test's pod wrote. @throws with that, where it failed. */
  test(): Promise<string> {
    return this.namespace.helm(['test', 'keyferry', '--logs', '--timeout', '5m']);
  }

  /** Of a pod that is ready. */
  async get(path: string): Promise<Response> {
    const token = await this.namespace.secret('keyferry-auth', 'token');
    const { status } = await this.namespace.pod('keyferry-0');
    const headers = { authorization: `Bearer ${token}` };
    return fetch(`http://${status.podIP ?? ''}:8080${path}`, { headers, signal: AbortSignal.timeout(30_000) });
  }

  async status(): Promise<DaemonStatus> {
    return (await (await this.get('/api/v1/status')).json()) as DaemonStatus;
  }

  /** Waits until the first source runs, no gap is open and no key waits: with no writes going on. */
  async settled(timeoutMs = 180_000): Promise<void> {
    let looks = 0;
    await eventually(
      async () => {
        const [source] = (await this.status()).sources;
        const databases = source?.state === 'running' ? source.databases : undefined;
        const isSettled = databases?.every(({ gapsOpen, keysPending }) => gapsOpen.length === 0 && keysPending === 0);
        looks = isSettled === true ? looks + 1 : 0;
        if (looks < 5) throw new Error(JSON.stringify(source));
        return true;
      },
      { what: 'the source to settle', timeoutMs },
    );
  }

  /** Waits until Keyferry's pod is ready, and is another one than before. */
  async ready(formerUid = ''): Promise<void> {
    await eventually(
      async () => {
        const pod = await this.namespace.pod('keyferry-0');
        return pod.metadata.uid !== formerUid && isReady(pod);
      },
      { what: "Keyferry's pod to be ready", timeoutMs: 300_000 },
    );
  }
}
