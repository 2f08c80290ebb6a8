import type { RedisConnection } from '../../clients/redis/port.ts';
import type { Clock } from '../../core/clock.ts';
import { type KeyferryError, isKeyferryError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import type { PauseSwitch } from '../../core/pause-switch.ts';
import { isTransient } from '../../core/retry.ts';
import { Wakeup } from '../../core/wakeup.ts';
import type { Patience } from '../patience.ts';
import type { ItemCarrier } from './item-carrier.ts';
import type { ItemRoute } from './item-records.ts';
import type { ListKeys } from './list-keys.ts';
import { type Loss, ProcessingList } from './processing-list.ts';

/** Shorter than the client's patience with a silent server, and short enough to stop. */
const BLOCK_SECONDS = 0.5;
/** Between two looks at a list that Kafka has no room for. */
const LOOK_MS = 1_000;
/** Before another look at a key of a wrong type, or another try after a session was lost. */
const PAUSE_MS = 1_000;
/** Before waiting again where that failed: Redis may refuse to let us wait, and do all else. */
const FAILED_PAUSE_MS = 100;
const WRONG_TYPE = /WRONGTYPE/;

const LOSSES: Record<Loss, string> = {
  forgotten: 'the mark of the processing list is gone: Redis was flushed, or its dataset replaced',
  'taken-over': 'another daemon runs this source: run one only',
  shortened: 'items have gone from the processing list that Keyferry did not remove',
};

/** One list, as the status tells of it. */
export interface ListRow {
  readonly key: string;
  readonly state: 'starting' | 'taking' | 'wrong-type' | 'interrupted';
  /** Items that stand in the list; undefined until known. */
  readonly length: number | undefined;
  /** Items taken that Kafka is not known to hold. */
  readonly inFlight: number;
  /** Items that were found in the processing list, since the start. */
  readonly recovered: number;
}

export interface ListMoverOptions {
  readonly keys: ListKeys;
  readonly route: ItemRoute;
  readonly take: 'right' | 'left';
  readonly batch: number;
  readonly maxTurnBytes: number;
  /** A connection of its own: it waits for items. */
  readonly waiting: RedisConnection;
  readonly control: RedisConnection;
  readonly carrier: ItemCarrier;
  readonly pause: PauseSwitch;
  readonly patience: Patience;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly randomId: () => string;
}

/** Moves the items of one list: take -> carry -> remove, several batches under way at once. */
export class ListMover {
  readonly #options: ListMoverOptions;
  readonly #name: string;
  readonly #news = new Wakeup();
  #processing: ProcessingList | undefined;
  #state: ListRow['state'] = 'starting';
  #length: number | undefined;
  #recovered = 0;
  #isWaiting = false;
  #refusal: KeyferryError | undefined;

  constructor(options: ListMoverOptions) {
    this.#options = options;
    this.#name = options.keys.list.toString('utf8');
  }

  get length(): number | undefined {
    return this.#length;
  }

  row(): ListRow {
    return {
      key: this.#name,
      state: this.#state,
      length: this.#length,
      inFlight: this.#processing?.inFlight ?? 0,
      recovered: this.#recovered,
    };
  }

  /** Until the signal. @throws KF_REDIS_AUTH, KF_REDIS_PERMISSION, KF_REDIS_REFUSED */
  async run(signal: AbortSignal): Promise<void> {
    const { patience, clock } = this.#options;
    const wake = (): void => {
      this.#news.notify();
    };
    signal.addEventListener('abort', wake, { once: true });
    const isStopped = (): boolean => signal.aborted;
    while (!isStopped()) {
      const most = await this.#mostOfTurn(signal);
      const items = await patience.tryUntilDone(`list ${this.#name}`, signal, () => this.#turn(most, signal));
      if (items === undefined) return;
      if (items.length > 0) void this.#carry(items);
      else if (most === 0) continue;
      else if (this.#state === 'taking') await this.#untilNews(signal);
      else await clock.sleep(PAUSE_MS, signal);
    }
  }

  /** Where nothing may be taken, a turn takes nothing, but tells how long the list has become. */
  async #mostOfTurn(signal: AbortSignal): Promise<number> {
    const { carrier, pause, clock, batch } = this.#options;
    if (!pause.isPaused) return (await carrier.room(LOOK_MS, signal)) ? batch : 0;
    await clock.sleep(LOOK_MS, signal);
    return 0;
  }

  /** When nothing is under way any more: what Kafka holds leaves the processing list. */
  async close(): Promise<void> {
    await this.#processing?.close();
  }

  /** @returns what to carry; nothing where there is nothing, or where the state says why not. */
  async #turn(most: number, signal: AbortSignal): Promise<readonly Buffer[]> {
    try {
      await this.#options.control.ready(signal);
      this.#processing ??= await this.#open();
      const turn = await this.#processing.turn(most);
      if (typeof turn === 'string') return this.#lost(turn);
      this.#enter('taking', 'items are taken from the list');
      this.#length = turn.length;
      return turn.items;
    } catch (error) {
      if (!isWrongType(error)) throw error;
      this.#length = undefined;
      this.#enter('wrong-type', 'the key, or one that Keyferry keeps beside it, is no list: looking again');
      return [];
    }
  }

  async #open(): Promise<ProcessingList> {
    const { control, keys, take, maxTurnBytes, randomId, logger } = this.#options;
    const options = { redis: control, keys, take, maxBytes: maxTurnBytes, session: randomId() };
    const processing = await ProcessingList.open(options);
    this.#recovered += processing.recovered;
    if (processing.recovered > 0) {
      const fields = { list: this.#name, items: processing.recovered };
      logger.info(fields, 'items stand in the processing list; they are published first');
    }
    return processing;
  }

  /** What stands in the processing list is published again, by another session. */
  #lost(loss: Loss): readonly Buffer[] {
    const inFlight = this.#processing?.inFlight;
    this.#processing = undefined;
    this.#state = 'interrupted';
    this.#options.logger.warn({ list: this.#name, reason: loss, inFlight }, LOSSES[loss]);
    return [];
  }

  #enter(state: 'taking' | 'wrong-type', message: string): void {
    if (state === this.#state) return;
    const level = state === 'taking' ? 'info' : 'warn';
    this.#state = state;
    this.#options.logger[level]({ list: this.#name }, message);
  }

  async #carry(items: readonly Buffer[]): Promise<void> {
    const processing = this.#processing;
    const position = processing?.given ?? 0;
    if (!(await this.#options.carrier.carry(this.#options.route, items))) return;
    // A session that was lost meanwhile has nothing to remove any more.
    processing?.acknowledge(position);
    this.#news.notify();
  }

  /** Until there are items, or Kafka holds some that can be removed. */
  async #untilNews(signal: AbortSignal): Promise<void> {
    if (!this.#isWaiting) void this.#awaitItems(signal);
    await this.#news.until(() => signal.aborted || !this.#isWaiting || this.#processing?.isBehind === true);
    if (this.#refusal !== undefined) throw this.#refusal;
  }

  /**
   * Moves the next item to where it stands: it blocks until there is one, and takes nothing. Only a turn takes, which
   * says of which session it is; a move into the processing list that is served late could not.
   */
  async #awaitItems(signal: AbortSignal): Promise<void> {
    const { waiting, keys, take, clock } = this.#options;
    const end = take.toUpperCase();
    this.#isWaiting = true;
    try {
      await waiting.ready(signal);
      await waiting.call('BLMOVE', keys.list, keys.list, end, end, BLOCK_SECONDS);
    } catch (error) {
      // The next turn finds out what is wrong.
      if (isKeyferryError(error) && !isTransient(error) && !isWrongType(error)) this.#refusal = error;
      else await clock.sleep(FAILED_PAUSE_MS, signal);
    }
    this.#isWaiting = false;
    this.#news.notify();
  }
}

const isWrongType = (error: unknown): boolean =>
  isKeyferryError(error, 'KF_REDIS_REFUSED') && WRONG_TYPE.test(error.message);
