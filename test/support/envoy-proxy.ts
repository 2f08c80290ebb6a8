import { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import { parseDocument } from 'yaml';
import { startEnvoy } from './envoy.ts';
import { freePorts } from './ports.ts';
import type { Workplace } from './workplace.ts';

/** Envoy with a configuration as the chart writes it, on ports and in front of nodes of the test. */
export interface Proxy {
  /** One connection, which is not made anew: what the proxy ends stays ended. */
  connect(): Redis;
  /** @param path of the listener that the pod shows to all. */
  ask(path: string, method?: string): Promise<{ readonly status: number; readonly text: string }>;
  /** The sum of the admin interface's statistics whose names end so. */
  count(name: string): Promise<number>;
}

export interface ProxyOptions {
  /** envoy.yaml */
  readonly config: string;
  /** host:port */
  readonly nodes: readonly string[];
  /** Whether to wait until Envoy has found its nodes; true if left out. */
  readonly findsNodes?: boolean;
}

export const startProxy = async (
  workplace: Workplace,
  { config, nodes, findsNodes = true }: ProxyOptions,
): Promise<Proxy> => {
  const [port = 0, adminPort = 0, metricsPort = 0] = await freePorts(3);
  const url = `http://127.0.0.1:${metricsPort}`;
  const adminUrl = `http://127.0.0.1:${adminPort}`;
  const isUpUrl = findsNodes ? `${url}/healthz` : `${adminUrl}/server_info`;
  await startEnvoy(workplace, atPlaces(config, { port, adminPort, metricsPort, nodes }), isUpUrl);
  return {
    connect: () => {
      const redis = new Redis(port, { retryStrategy: () => null, maxRetriesPerRequest: 0, enableReadyCheck: false });
      redis.on('error', () => undefined);
      onTestFinished(() => {
        redis.disconnect();
      });
      return redis;
    },
    ask: async (path, method = 'GET') => {
      const answer = await fetch(`${url}${path}`, { method });
      return { status: answer.status, text: await answer.text() };
    },
    count: async (name) => {
      const text = await (await fetch(`${adminUrl}/stats`)).text();
      const values = [...text.matchAll(/^(\S+): (\d+)$/gm)].filter(([, stat = '']) => stat.endsWith(name));
      return values.reduce((sum, [, , value]) => sum + Number(value), 0);
    },
  };
};

interface Places {
  readonly port: number;
  readonly adminPort: number;
  readonly metricsPort: number;
  readonly nodes: readonly string[];
}

const atPlaces = (config: string, { port, adminPort, metricsPort, nodes }: Places): string => {
  const document = parseDocument(config);
  const address = ['address', 'socket_address'];
  const [listeners, clusters] = [
    ['static_resources', 'listeners'],
    ['static_resources', 'clusters'],
  ] as const;
  const endpoints = ['load_assignment', 'endpoints', 0, 'lb_endpoints'];
  document.setIn(['admin', ...address, 'port_value'], adminPort);
  document.setIn([...listeners, 0, ...address, 'port_value'], port);
  document.setIn([...listeners, 1, ...address, 'port_value'], metricsPort);
  document.setIn([...clusters, 1, ...endpoints, 0, 'endpoint', ...address, 'port_value'], adminPort);
  document.setIn([...clusters, 0, ...endpoints], nodes.map(endpointOf));
  return document.toString();
};

const endpointOf = (node: string): object => {
  const at = node.lastIndexOf(':');
  const [host, port] = [node.slice(0, at), Number(node.slice(at + 1))];
  return { endpoint: { address: { socket_address: { address: host, port_value: port } } } };
};
