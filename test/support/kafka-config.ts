export interface BrokerAddresses {
  /** Where clients reach it, `host` from outside of the broker's machine or container. */
  readonly host: string;
  readonly port: number;
  /** The interface that the broker listens on. */
  readonly bind: string;
  readonly controllerPort: number;
}

/** What `kafka.tools.StorageTool format` wants: any fixed id, as a new data directory belongs to one server alone. */
export const CLUSTER_ID = 'a2V5ZmVycnktdGVzdC0wMQ';

/** A properties file. */
export const propertiesText = (properties: Readonly<Record<string, string>>): string =>
  Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');

/** What every node of ours has: broker and controller in one, groups without the wait for more members. */
export const COMMON_PROPERTIES: Readonly<Record<string, string>> = {
  'process.roles': 'broker,controller',
  'controller.listener.names': 'CONTROLLER',
  // After a kill the broker may register again only once its old session has timed out.
  'broker.session.timeout.ms': '3000',
  'broker.heartbeat.interval.ms': '500',
  'auto.create.topics.enable': 'false',
  'group.initial.rebalance.delay.ms': '0',
  'offsets.topic.num.partitions': '5',
  'transaction.state.log.num.partitions': '5',
};

/** For a node that is alone. */
export const SINGLE_NODE_PROPERTIES: Readonly<Record<string, string>> = {
  ...COMMON_PROPERTIES,
  'node.id': '1',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
};

/**
 * A server.properties file: one node, everything replicated once. @param more goes last and so overrides.
 */
export const serverProperties = (
  dataDir: string,
  { host, port, bind, controllerPort }: BrokerAddresses,
  more: Readonly<Record<string, string>>,
): string =>
  propertiesText({
    ...SINGLE_NODE_PROPERTIES,
    'controller.quorum.bootstrap.servers': `127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://${bind}:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://${host}:${port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': dataDir,
    ...more,
  });
