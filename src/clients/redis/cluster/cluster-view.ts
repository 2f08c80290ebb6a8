import type { RedisAddress } from '../address.ts';
import type { RedisConnection, RedisReply, SlotRange } from '../port.ts';

/** A node as another one, or it itself, tells of it. */
export interface ClusterNode extends RedisAddress {
  readonly id: string;
  readonly isMaster: boolean;
  /** It is reachable, for all that is known. */
  readonly isHealthy: boolean;
  /** Of its claim to its slots: the greater one wins. */
  readonly configEpoch: number;
  readonly slots: readonly SlotRange[];
}

/** What one node knows of the cluster. */
export interface ClusterView {
  /** The latest that the node has heard of. */
  readonly epoch: number;
  readonly nodes: readonly ClusterNode[];
}

/**
 * Asks a node how the cluster stands.
 * @param asked where the node was found.
 * @throws as RedisConnection.call does; KF_REDIS_REFUSED where the server is of no cluster.
 */
export const readView = async (node: RedisConnection, asked: RedisAddress): Promise<ClusterView> => {
  const replies = await node.pipeline([
    ['CLUSTER', 'INFO'],
    ['CLUSTER', 'NODES'],
    // Tells at which of its addresses and names a node wants to be met.
    ['CLUSTER', 'SLOTS'],
  ]);
  const [info = null, nodes = null, slots = null] = replies.map((reply) => {
    if (reply instanceof Error) throw reply;
    return reply;
  });
  return parseView({ info: String(info), nodes: String(nodes), slots }, asked);
};

/**
 * @param told what CLUSTER INFO, NODES and SLOTS gave.
 * @param asked where they were asked: a node that does not know its own address is there.
 */
export const parseView = (
  told: { readonly info: string; readonly nodes: string; readonly slots: RedisReply },
  asked: RedisAddress,
): ClusterView => {
  const endpoints = endpointsOf(told.slots, asked);
  return {
    epoch: Number(/cluster_current_epoch:(\d+)/.exec(told.info)?.[1] ?? 0),
    nodes: told.nodes
      .split('\n')
      .filter((line) => line !== '')
      .flatMap((line) => parseNode(line, endpoints, asked)),
  };
};

/** `<id> <ip:port@cport[,hostname]> <flags> <master> <ping> <pong> <config-epoch> <link> <slot> ...` */
const parseNode = (
  line: string,
  endpoints: ReadonlyMap<string, RedisAddress>,
  asked: RedisAddress,
): readonly ClusterNode[] => {
  const [id = '', place = '', flagsText = '', , , , configEpoch = '0', , ...slots] = line.trim().split(' ');
  const flags = flagsText.split(',');
  // Nothing can be sent to it.
  if (flags.includes('handshake') || flags.includes('noaddr')) return [];
  const [, ip = '', port = '0'] = /^(.*):(\d+)(?:@\d+)?(?:,.*)?$/.exec(place) ?? [];
  const told = { host: ip === '' ? asked.host : ip, port: Number(port) };
  return [
    {
      id,
      ...(endpoints.get(id) ?? told),
      isMaster: flags.includes('master'),
      isHealthy: !flags.includes('fail'),
      configEpoch: Number(configEpoch),
      slots: slots.flatMap(parseSlots),
    },
  ];
};

/** `5` or `0-100`; `[93->-<id>]` and `[93-<-<id>]` tell of a slot on its way, which its owner still has. */
const parseSlots = (text: string): readonly SlotRange[] => {
  const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  return first === undefined ? [] : [{ first: Number(first), last: Number(last) }];
};

/** CLUSTER SLOTS: `[first, last, [endpoint, port, id, ...], ...]`. No endpoint: where the asked node is. */
const endpointsOf = (reply: RedisReply, asked: RedisAddress): ReadonlyMap<string, RedisAddress> => {
  const endpoints = new Map<string, RedisAddress>();
  for (const range of arrayOf(reply)) {
    for (const node of arrayOf(range).slice(2)) {
      const [endpoint = null, port = null, id = null] = arrayOf(node);
      const isTold = endpoint !== null && !['', '?'].includes(String(endpoint));
      endpoints.set(String(id), { host: isTold ? String(endpoint) : asked.host, port: Number(port) });
    }
  }
  return endpoints;
};

const arrayOf = (reply: RedisReply): readonly RedisReply[] =>
  Array.isArray(reply) ? (reply as readonly RedisReply[]) : [];
