import type { RedisClient, RedisConnection } from '../../clients/redis/port.ts';
import type { Clock } from '../../core/clock.ts';
import { isKeyferryError } from '../../core/errors.ts';
import { type KeyName, keyName } from '../../core/key-name.ts';
import type { AcknowledgedKey } from '../../core/place.ts';
import type { Span, TraceContext, Tracer } from '../../core/tracer.ts';
import type { RedisMetrics, RestKind, RestMetrics } from '../../observability/metrics.ts';
import { type AckWish, Acknowledgements } from './acknowledgement.ts';
import { CommandCatalog } from './command-catalog.ts';
import { writesElsewhere } from './command-rules.ts';
import { RestFailure } from './failure.ts';
import type { Mirror } from './mirror.ts';
import type { RestCommand } from './parse-request.ts';
import { type Access, Planner, type Step } from './plan.ts';
import { ReadThrough, type ReadThroughRule } from './read-through.ts';
import { LostReply, type RestReply } from './reply.ts';
import { sendEach, sendTransaction } from './send-commands.ts';

export interface RedisRestOptions {
  readonly database: number;
  /** The longest that an answer waits for Kafka. */
  readonly ackTimeoutMs: number;
  /** Of a request, and of an origin's answer. */
  readonly maxBodyBytes: number;
  readonly readThrough: readonly ReadThroughRule[];
}

export interface RedisRestNeeds {
  /** Without metrics: what others ask for is counted here, by what the server says that it is. */
  readonly redis: RedisClient;
  readonly mirror: Mirror;
  readonly clock: Clock;
  readonly metrics: RestMetrics;
  readonly redisMetrics: RedisMetrics;
  /** undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
}

export interface RestRequest {
  readonly commands: readonly RestCommand[];
  readonly shape: 'command' | 'pipeline' | 'multi-exec';
  readonly access: Access;
  /** undefined: the answer does not wait for Kafka. */
  readonly ack: AckWish | undefined;
  /** What it is part of; undefined: nothing is traced. */
  readonly trace?: TraceContext | undefined;
}

export interface RestResult {
  /** One for each command; some may be errors. */
  readonly replies: readonly RestReply[];
  readonly kind: RestKind;
  /** Where Kafka has the keys that were written; empty where nobody asked to wait, or nothing was written. */
  readonly acknowledged: readonly AcknowledgedKey[];
  /** true: the writes are applied, and Kafka had not acknowledged them when the time was up. */
  readonly isUnconfirmed: boolean;
}

/** What a request writes. */
interface Writes {
  readonly any: boolean;
  /** Each once, in the order of the commands. */
  readonly keys: readonly KeyName[];
}

/** Runs the commands of requests on one connection, and tells the mirror what they write. */
export class RedisRest {
  readonly options: RedisRestOptions;
  readonly metrics: RestMetrics;
  readonly tracer: Tracer | undefined;
  readonly #needs: RedisRestNeeds;
  readonly #connection: RedisConnection;
  readonly #planner: Planner;
  readonly #acknowledgements: Acknowledgements;
  readonly #readThrough: ReadThrough;

  constructor(options: RedisRestOptions, needs: RedisRestNeeds) {
    const { database: db, maxBodyBytes, readThrough: rules } = options;
    const { redis, mirror, clock, metrics, tracer } = needs;
    this.options = options;
    this.metrics = metrics;
    this.tracer = tracer;
    this.#needs = needs;
    const connection = redis.connect({ db, name: 'rest', forOthers: true });
    this.#connection = connection;
    this.#planner = new Planner(connection, new CommandCatalog(connection, clock));
    this.#acknowledgements = new Acknowledgements({ mirror, db, clock });
    this.#readThrough = new ReadThrough({
      rules,
      connection,
      maxBodyBytes,
      clock,
      metrics,
      tracer,
      onStoring: (key, trace) => {
        if (trace !== undefined) mirror.writing(db, [key], trace);
      },
      onStored: (key, trace) => {
        mirror.written(db, [key], trace);
      },
    });
  }

  /** Why commands are not served just now; empty where they are. */
  health(): readonly string[] {
    return this.#connection.isReady ? [] : ['Redis REST: Redis is away'];
  }

  /** @throws RestFailure where nothing, or one command alone, was asked to run and did not. */
  async execute(request: RestRequest): Promise<RestResult> {
    if (!this.#connection.isReady) throw new RestFailure('UNAVAILABLE', 'Redis is away; nothing was sent to it');
    const steps = await this.#plan(request);
    const sent = steps.filter(({ failure }) => failure === undefined);
    const writes = writesOf(sent);
    const { ack } = request;
    if (ack === undefined || !writes.any) {
      const replies = await this.#run(request, steps);
      return { replies, kind: writes.any ? 'write' : 'read', acknowledged: [], isUnconfirmed: false };
    }
    refuseWhatKafkaCannotTell(sent);
    const followed = this.#acknowledgements.follow(writes.keys);
    try {
      const replies = await this.#run(request, steps);
      const isApplied = steps.some(({ writes: is }, at) => is && !(replies[at] instanceof Error));
      const acknowledged = isApplied ? await this.#acknowledgements.wait(followed, ack) : [];
      return { replies, kind: 'ack', acknowledged: acknowledged ?? [], isUnconfirmed: acknowledged === undefined };
    } finally {
      followed.release();
    }
  }

  /** Ends what waits for Kafka, then waits for commands under way. */
  async close(): Promise<void> {
    this.#acknowledgements.close();
    await this.#connection.close();
  }

  async #plan({ commands, access, shape }: RestRequest): Promise<readonly Step[]> {
    const steps = await this.#planner.plan(commands, access).catch((error: unknown) => {
      throw isKeyferryError(error) ? new RestFailure('UNAVAILABLE', `${error.message}; nothing was run`) : error;
    });
    const [failed] = shape === 'pipeline' ? [] : steps.flatMap(({ failure }) => failure ?? []);
    if (failed !== undefined) throw failed;
    return steps;
  }

  /** @returns a reply for each step, the failures of those that are not sent in their places. */
  async #run(request: RestRequest, steps: readonly Step[]): Promise<readonly RestReply[]> {
    const { clock, mirror, redisMetrics } = this.#needs;
    const { shape, trace } = request;
    const sent = steps.filter(({ failure }) => failure === undefined);
    const commands = sent.map(({ command: { name, args } }) => [name, ...args] as const);
    const written = sent.flatMap((step) => step.written);
    const span = this.#startCommands(request, sent);
    if (trace !== undefined) mirror.writing(this.options.database, written, trace);
    const start = clock.monotonic();
    let replies: readonly RestReply[];
    try {
      replies = await (shape === 'multi-exec' ? sendTransaction : sendEach)(this.#connection, commands);
    } finally {
      span?.end();
      redisMetrics.commandSeconds((clock.monotonic() - start) / 1000);
      for (const { writes } of sent) redisMetrics.commands(writes ? 'write' : 'read', 1);
      // Whatever became of them: a command whose reply was lost, or that failed half-way, may have written.
      mirror.written(this.options.database, written, trace);
    }
    const bySent = new Map(sent.map((step, at) => [step, replies[at] ?? null]));
    const all = steps.map((step) => step.failure ?? bySent.get(step) ?? null);
    const [first] = all;
    if (first instanceof LostReply && all.every((reply) => reply instanceof LostReply)) throw first;
    return shape === 'multi-exec' ? all : this.#readThroughMissing(steps, all, request);
  }

  /** Until Redis has answered. */
  #startCommands({ shape, trace }: RestRequest, [first, ...others]: readonly Step[]): Span | undefined {
    if (trace === undefined || first === undefined) return undefined;
    const operation = shape === 'command' ? first.command.name : OPERATION[shape];
    return this.tracer?.start(operation, {
      kind: 'client',
      parent: trace,
      attributes: {
        'db.system.name': 'redis',
        'db.namespace': String(this.options.database),
        'db.operation.name': operation,
        'db.operation.batch.size': others.length + 1,
      },
    });
  }

  /** What a GET does not find may be at an origin. */
  async #readThroughMissing(
    steps: readonly Step[],
    replies: readonly RestReply[],
    { shape, trace }: RestRequest,
  ): Promise<readonly RestReply[]> {
    if (this.options.readThrough.length === 0) return replies;
    return Promise.all(
      replies.map(async (reply, at) => {
        const { name = '', args = [] } = steps[at]?.command ?? {};
        const [key] = args;
        if (reply !== null || name !== 'GET' || key === undefined) return reply;
        return this.#readThrough.fetch(keyName(Buffer.from(key)), trace).catch((error: unknown) => {
          if (error instanceof RestFailure && shape === 'pipeline') return error;
          throw error;
        });
      }),
    );
  }
}

/** In the words of OpenTelemetry's conventions. */
const OPERATION = { pipeline: 'PIPELINE', 'multi-exec': 'MULTI' } as const;

const writesOf = (steps: readonly Step[]): Writes => ({
  any: steps.some(({ writes }) => writes),
  keys: [...new Set(steps.flatMap(({ written }) => written))],
});

/** @throws RestFailure before anything is written. */
const refuseWhatKafkaCannotTell = (steps: readonly Step[]): void => {
  for (const { command, writes, written } of steps) {
    if (!writes || (written.length > 0 && !writesElsewhere(command))) continue;
    const name = command.name.toLowerCase();
    throw new RestFailure(
      'ERR',
      `Kafka cannot acknowledge '${name}': its arguments do not name all the keys that it writes; nothing was written`,
    );
  }
};
