import {
  FindCoordinatorKeyTypes,
  findCoordinatorV2,
  heartbeatV3,
  joinGroupV5,
  leaveGroupV3,
  offsetCommitV7,
  offsetFetchV5,
  syncGroupV3,
  type Connection,
} from '@platformatic/kafka';

import { isKeyferryError, KeyferryError } from '../../../core/errors.ts';
import { ASKS } from '../asks.ts';
import type { DriverOptions } from '../driver-options.ts';
import type { GroupConsumerOptions } from '../port.ts';
import { Cluster } from './cluster.ts';
import { endsGeneration, fromPlatformatic, memberIdIn } from './errors.ts';
import {
  assignRanges,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  PROTOCOL_NAME,
  PROTOCOL_TYPE,
  type Assignment,
} from './group-protocol.ts';

/** A silent member loses its partitions after this long. */
export const SESSION_TIMEOUT_MS = 10_000;
/** How long a member may take to finish its handlers and join again when the group rebalances. */
const REBALANCE_TIMEOUT_MS = 60_000;
/** A join is answered when every member has joined. */
const JOIN_ANSWER_TIMEOUT_MS = REBALANCE_TIMEOUT_MS + 5_000;

export interface Offset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

/** The requests of one member of a consumer group. Who calls `join`, and when, is the consumer's business. */
export class Membership {
  readonly #cluster: Cluster;
  /** Joining waits for the other members, so it has a connection of its own. */
  readonly #joining: Cluster;
  readonly #group: GroupConsumerOptions;
  #coordinator: number | undefined;
  #memberId = '';
  #generation = -1;
  /** What the leader's assignment was made from: more partitions call for a new one. */
  #counts: ReadonlyMap<string, number> | undefined;

  constructor(options: DriverOptions, group: GroupConsumerOptions) {
    this.#group = group;
    this.#cluster = new Cluster(options);
    this.#joining = new Cluster(options, JOIN_ANSWER_TIMEOUT_MS);
  }

  /** Waits for the group's other members. @returns the partitions that are ours until the next join */
  async join(): Promise<Assignment> {
    const { groupId, topics } = this.#group;
    await this.#partitionCounts(topics);
    const joined = await this.#joinGroup();
    this.#memberId = joined.memberId;
    this.#generation = joined.generationId;
    this.#counts = undefined;
    const assignments = joined.leader === joined.memberId ? await this.#assign(joined) : [];
    const { assignment } = await this.#request('join', this.#joining, (connection) =>
      syncGroupV3.api.async(
        connection,
        groupId,
        this.#generation,
        this.#memberId,
        null,
        PROTOCOL_TYPE,
        PROTOCOL_NAME,
        assignments,
      ),
    );
    return decodeAssignment(assignment);
  }

  async #joinGroup(): Promise<joinGroupV5.JoinGroupResponse> {
    const memberId = this.#memberId;
    const protocols = [{ name: PROTOCOL_NAME, metadata: encodeSubscription(this.#group.topics) }];
    try {
      return await this.#request('join', this.#joining, (connection) =>
        joinGroupV5.api.async(
          connection,
          this.#group.groupId,
          SESSION_TIMEOUT_MS,
          REBALANCE_TIMEOUT_MS,
          memberId,
          null,
          PROTOCOL_TYPE,
          protocols,
        ),
      );
    } catch (error) {
      // The coordinator gave us an id to come back with.
      if (memberId === '' && this.#memberId !== '') return this.#joinGroup();
      throw error;
    }
  }

  async #assign({ members }: joinGroupV5.JoinGroupResponse): Promise<{ memberId: string; assignment: Buffer }[]> {
    const subscriptions = new Map(members.map(({ memberId, metadata }) => [memberId, decodeSubscription(metadata)]));
    this.#counts = await this.#partitionCounts([...new Set([...subscriptions.values()].flat())]);
    return [...assignRanges(subscriptions, this.#counts)].map(([memberId, assignment]) => ({
      memberId,
      assignment: encodeAssignment(assignment),
    }));
  }

  async #partitionCounts(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const topic of topics) counts.set(topic, (await this.#cluster.partitions(topic)).length);
    return counts;
  }

  /** @returns whether the assignment still stands; if not, it is time to join again */
  async heartbeat(): Promise<boolean> {
    const { groupId } = this.#group;
    const stands = await this.#asMember('heartbeat', (connection) =>
      heartbeatV3.api.async(connection, groupId, this.#generation, this.#memberId, null),
    );
    if (!stands || this.#counts === undefined) return stands;
    const counts = await this.#partitionCounts([...this.#counts.keys()]);
    return [...this.#counts].every(([topic, count]) => counts.get(topic) === count);
  }

  /** @returns false when the partitions may belong to another member already, and nothing was committed */
  async commit(offsets: readonly Offset[]): Promise<boolean> {
    const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, ofTopic]) => ({
      name,
      partitions: ofTopic.map(({ partition, offset }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedLeaderEpoch: -1,
        committedMetadata: null,
      })),
    }));
    return this.#asMember('commit', (connection) =>
      offsetCommitV7.api.async(connection, this.#group.groupId, this.#generation, this.#memberId, null, topics),
    );
  }

  /** Next offset of each assigned partition; 0 where nothing was committed. */
  async committed(assignment: Assignment): Promise<readonly Offset[]> {
    const topics = [...assignment].map(([name, partitions]) => ({ name, partitionIndexes: [...partitions] }));
    const answer = await this.#request('read offsets', this.#cluster, (connection) =>
      offsetFetchV5.api.async(connection, [{ groupId: this.#group.groupId, topics }], false),
    );
    return answer.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex: partition, committedOffset }) => ({
        topic: name,
        partition,
        offset: committedOffset < 0n ? 0n : committedOffset,
      })),
    );
  }

  async leave(): Promise<void> {
    if (this.#memberId === '') return;
    const members = [{ memberId: this.#memberId, groupInstanceId: null }];
    await this.#request('leave', this.#cluster, (connection) =>
      leaveGroupV3.api.async(connection, this.#group.groupId, members),
    );
  }

  /** Total. @param doing `join` */
  translate(thrown: unknown, doing = 'consume as'): KeyferryError {
    return fromPlatformatic(thrown, ASKS.consume(this.#group.groupId, this.#group.topics, doing));
  }

  /** Ends a join that is under way, and allows no other. */
  async stopJoining(): Promise<void> {
    await this.#joining.close();
  }

  async close(): Promise<void> {
    await Promise.all([this.#joining.close(), this.#cluster.close()]);
  }

  async #asMember(doing: string, ask: (connection: Connection) => Promise<unknown>): Promise<boolean> {
    try {
      await this.#request(doing, this.#cluster, ask);
      return true;
    } catch (error) {
      if (endsGeneration(error)) return false;
      throw error;
    }
  }

  async #request<T>(doing: string, cluster: Cluster, ask: (connection: Connection) => Promise<T>): Promise<T> {
    try {
      return await ask(await this.#coordinatorConnection(cluster));
    } catch (thrown) {
      const error = this.translate(thrown, doing);
      this.#memberId = memberIdIn(thrown) ?? this.#memberId;
      if (isKeyferryError(error, 'KF_KAFKA_UNAVAILABLE')) this.#coordinator = undefined;
      throw error;
    }
  }

  async #coordinatorConnection(cluster: Cluster): Promise<Connection> {
    if (this.#coordinator === undefined) {
      const { coordinators } = await findCoordinatorV2.api.async(
        await this.#cluster.anyConnection(),
        FindCoordinatorKeyTypes.GROUP,
        [this.#group.groupId],
      );
      this.#coordinator = coordinators[0]?.nodeId;
    }
    if (this.#coordinator === undefined)
      throw new KeyferryError('KF_KAFKA_UNAVAILABLE', 'the group has no coordinator');
    return cluster.connection(this.#coordinator);
  }
}
