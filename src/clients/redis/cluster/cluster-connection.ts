import { KeyferryError } from '../../../core/errors.ts';
import { type RedisAddress, addressText } from '../address.ts';
import { refusal } from '../errors.ts';
import type {
  RedisArgument,
  RedisCommand,
  RedisConnection,
  RedisReply,
  RedisScript,
  RedisTopology,
  ScriptKeys,
} from '../port.ts';
import { acrossSlots, argsAcrossSlots, argsOf, eachOf, keysAt } from '../script-each.ts';
import { ScriptRunner } from '../script-runner.ts';
import { NodePool } from './node-pool.ts';
import { redirectionIn } from './redirection.ts';
import { slotOf } from './slots.ts';
import { type Unit, unitsOf } from './units.ts';

type Replies = readonly (RedisReply | Error)[];

/** A unit on its way. */
interface Journey {
  readonly unit: Unit;
  readonly to: RedisAddress;
  readonly asking: boolean;
}

/** A slot that is moved is told of once or twice; more often, nodes disagree. */
const MOST_REDIRECTIONS = 5;
/** A node's answer to a script that looked for a key which is elsewhere, or while the cluster is down. */
const NOT_HERE = /attempted to (access|execute)/;

/** All masters of a cluster as one connection. It is ready while one of them is. */
export class ClusterConnection implements RedisConnection {
  readonly #topology: RedisTopology;
  readonly #nodes: NodePool;
  readonly #scripts = new ScriptRunner((commands) => this.pipeline(commands));

  /** @param topology is closed with this connection. */
  constructor(topology: RedisTopology, connectTo: (address: RedisAddress) => RedisConnection) {
    this.#topology = topology;
    this.#nodes = new NodePool(topology, connectTo);
  }

  get isReady(): boolean {
    return this.#nodes.isReady;
  }

  async ready(signal?: AbortSignal): Promise<void> {
    await this.#topology.ready(signal);
    await this.#nodes.ready(signal);
  }

  async call(name: string, ...args: RedisArgument[]): Promise<RedisReply> {
    const [reply = null] = await this.pipeline([[name, ...args]]);
    if (reply instanceof Error) throw reply;
    return reply;
  }

  async pipeline(commands: readonly RedisCommand[]): Promise<Replies> {
    const replies: (RedisReply | Error)[] = commands.map(() => null);
    const note = (unit: Unit, own: Replies): void => {
      for (const [at, reply] of own.entries()) replies[unit.at + at] = reply;
    };
    let journeys = unitsOf(commands).flatMap((unit) => this.#begin(unit, note));
    for (let round = 0; journeys.length > 0 && round <= MOST_REDIRECTIONS; round += 1) {
      const onward = await Promise.all([...byNode(journeys)].map(([, some]) => this.#travel(some, note)));
      journeys = onward.flat();
    }
    return replies;
  }

  async script(script: RedisScript, keys: readonly Buffer[], args: readonly RedisArgument[]): Promise<RedisReply> {
    const [reply = null] = await this.#scripts.run(script, [{ keys, args }]);
    if (reply instanceof Error) throw reply;
    return reply;
  }

  async scriptEach(script: RedisScript, on: ScriptKeys): Promise<Replies> {
    const replies: (RedisReply | Error)[] = on.keys.map(() => null);
    const perNode = groupBy(on.keys, (key) => this.#nodes.ownerOf(slotOf(key)));
    await Promise.all(
      [...perNode].map(async ([owner, places]) => {
        const own = await this.#scriptOn(owner, script, keysAt(on, places));
        for (const [at, place] of places.entries()) replies[place] = own[at] ?? null;
      }),
    );
    return replies;
  }

  serverOf(key: Buffer): string | undefined {
    const owner = this.#nodes.ownerOf(slotOf(key));
    return owner && addressText(owner);
  }

  async close(): Promise<void> {
    this.#topology.close();
    await this.#nodes.close();
  }

  /** On a node in one call; key by key where that does not do: while a slot moves, its keys are on two nodes. */
  async #scriptOn(owner: RedisAddress | undefined, script: RedisScript, on: ScriptKeys): Promise<Replies> {
    if (owner !== undefined) {
      const node = await this.#nodes.at(owner);
      const reply = await node
        .script(acrossSlots(script), [], argsAcrossSlots(on))
        .catch((error: unknown) => error as Error);
      if (!(reply instanceof Error) || !NOT_HERE.test(reply.message)) return eachOf(reply, on.keys.length);
    }
    this.#topology.refresh();
    const calls = on.keys.map((key, at) => ({ keys: [key], args: argsOf(keysAt(on, [at])) }));
    return (await this.#scripts.run(script, calls)).flatMap((reply) => eachOf(reply, 1));
  }

  /** Nothing, where the unit cannot go anywhere: then that is its reply. */
  #begin(unit: Unit, note: (unit: Unit, replies: Replies) => void): readonly Journey[] {
    const to = unit.slot === undefined ? this.#nodes.anyone() : this.#nodes.ownerOf(unit.slot);
    if (to !== undefined) return [{ unit, to, asking: false }];
    this.#topology.refresh();
    const what = unit.slot === undefined ? 'The cluster has no master' : `No master has slot ${unit.slot}`;
    const error = new KeyferryError('KF_REDIS_UNAVAILABLE', `${what}, as far as is known`);
    note(
      unit,
      unit.commands.map(() => error),
    );
    return [];
  }

  /** Sends units to the node that all of them go to. Returns those that it sends on. */
  async #travel(journeys: readonly Journey[], note: (unit: Unit, replies: Replies) => void): Promise<Journey[]> {
    const [{ to }] = journeys as readonly [Journey];
    const sent = await this.#send(
      to,
      journeys.flatMap(({ unit, asking }): readonly RedisCommand[] =>
        asking ? [['ASKING'], ...unit.commands] : unit.commands,
      ),
    );
    const onward: Journey[] = [];
    let at = 0;
    for (const { unit, asking } of journeys) {
      const begin = at + (asking ? 1 : 0);
      at = begin + unit.commands.length;
      const replies = sent.slice(begin, at);
      const redirection = redirectionIn(replies, to);
      const isOfSeveralSlots = unit.commands.length > 1 && redirection !== undefined && redirection.slot !== unit.slot;
      note(unit, isOfSeveralSlots ? replies.map(withoutRedirection) : replies);
      if (redirection === undefined || isOfSeveralSlots) continue;
      if (!redirection.asking) this.#moved(unit, redirection.address);
      onward.push({ unit, to: redirection.address, asking: redirection.asking });
    }
    return onward;
  }

  async #send(to: RedisAddress, commands: readonly RedisCommand[]): Promise<Replies> {
    try {
      const node = await this.#nodes.at(to);
      return await node.pipeline(commands);
    } catch (error) {
      this.#topology.refresh();
      return commands.map(() => error as Error);
    }
  }

  #moved({ slot }: Unit, address: RedisAddress): void {
    if (slot !== undefined) this.#nodes.moved(slot, address);
    this.#topology.refresh();
  }
}

/** A transaction that Redis would refuse at its EXEC, had one node all of its keys. */
const withoutRedirection = (reply: RedisReply | Error): RedisReply | Error =>
  redirectionIn([reply], HERE) === undefined
    ? reply
    : refusal('the transaction', "CROSSSLOT Keys in request don't hash to the same slot");
const HERE: RedisAddress = { host: '', port: 0 };

const byNode = (journeys: readonly Journey[]): ReadonlyMap<string, readonly Journey[]> =>
  Map.groupBy(journeys, ({ to }) => `${to.host}:${to.port}`);

/** Places by group, in order. */
const groupBy = <T, G>(items: readonly T[], groupOf: (item: T) => G): ReadonlyMap<G, readonly number[]> => {
  const groups = new Map<G, number[]>();
  for (const [at, item] of items.entries()) {
    const group = groupOf(item);
    const places = groups.get(group);
    if (places === undefined) groups.set(group, [at]);
    else places.push(at);
  }
  return groups;
};
