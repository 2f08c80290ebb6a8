import { addressText } from '../clients/redis/address.ts';
import type { RedisMaster } from '../clients/redis/port.ts';
import { haveCommonSlot, slotCount, slotsWithout } from '../clients/redis/slot-ranges.ts';
import { aborted } from '../core/clock.ts';
import type { KeyferryError } from '../core/errors.ts';
import type { Gap, GapCause } from '../core/gap.ts';
import { retry } from '../core/retry.ts';
import { WatchedMaster, type WatchedMasterOptions } from './watched-master.ts';

export interface MasterStatus {
  /** host:port */
  readonly address: string;
  readonly feed: 'up' | 'down';
  readonly slots: number;
}

/** A master as it was before a change, with what had gone unseen of it. */
interface Before {
  readonly master: RedisMaster;
  readonly gaps: ReadonlyMap<number, readonly Gap[]>;
}

/**
 * The masters of the Redis that a source mirrors, as they come and go. A new one begins with a gap; what was known to be
 * missed of a slot goes with the slot to whoever has it then (I3).
 */
export class Masters {
  readonly #options: WatchedMasterOptions;
  readonly #signal: AbortSignal;
  readonly #watched = new Map<string, WatchedMaster>();
  readonly #failed = Promise.withResolvers<never>();
  readonly #running = new Set<Promise<void>>();

  constructor(options: WatchedMasterOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  status(): readonly MasterStatus[] {
    return [...this.#watched.values()].map(({ master, isUp }) => ({
      address: addressText(master),
      feed: isUp ? 'up' : 'down',
      slots: slotCount(master.slots),
    }));
  }

  /**
   * Follows the masters until the signal.
   * @throws what does not pass by itself: KF_REDIS_AUTH, KF_REDIS_PERMISSION, KF_REDIS_NOTIFICATIONS_OFF...
   */
  async run(): Promise<void> {
    const { redis, clock, logger } = this.#options;
    const signal = this.#signal;
    const topology = redis.topology();
    const onFailure = ({ code, message }: KeyferryError, retryMs: number): void => {
      logger.warn({ code, reason: message, retryMs }, 'waiting for the masters of Redis to be told');
    };
    try {
      await retry(() => topology.ready(signal), { clock, signal, onFailure });
      if (signal.aborted) return;
      this.#changed(topology.masters, 'start');
      const forget = topology.onChange((masters) => {
        this.#changed(masters, 'master-changed');
      });
      await Promise.race([this.#failed.promise, aborted(signal)]);
      forget();
      await Promise.all(this.#running);
    } finally {
      topology.close();
    }
  }

  #changed(masters: readonly RedisMaster[], cause: GapCause): void {
    const before: readonly Before[] = [...this.#watched.values()].map((one) => ({
      master: one.master,
      gaps: one.gaps(),
    }));
    const isMaster = (id: string): boolean => masters.some((master) => master.id === id);
    for (const [id, one] of this.#watched) if (!isMaster(id)) this.#leave(id, one, masters);
    const both = before.filter(({ master }) => isMaster(master.id)).map(({ master }) => master.slots);
    for (const master of masters) {
      const one = this.#watched.get(master.id) ?? this.#open(master, cause);
      one.moved(master);
      for (const other of before) {
        const isOther = other.master.id !== master.id;
        if (isOther && haveCommonSlot(other.master.slots, master.slots)) one.adopt(other.gaps);
      }
      // Of a slot that goes from one master to another both tell; of one that nobody had, or a lost one, nobody may have.
      if (slotsWithout(master.slots, both).length > 0) one.missed(cause);
    }
  }

  /** Slots that nobody has stay with who had them last, and so do its gaps. */
  #leave(id: string, one: WatchedMaster, masters: readonly RedisMaster[]): void {
    const slots = slotsWithout(
      one.master.slots,
      masters.map((master) => master.slots),
    );
    if (slots.length > 0) {
      one.moved({ ...one.master, slots });
      return;
    }
    this.#options.logger.info({ master: addressText(one.master) }, 'no master any more');
    one.close();
    this.#watched.delete(id);
  }

  #open(master: RedisMaster, cause: GapCause): WatchedMaster {
    const one = new WatchedMaster(master, this.#options, this.#signal);
    this.#watched.set(master.id, one);
    one.missed(cause);
    const running = one.run({ isExpected: cause === 'start' }).then(
      () => {
        this.#running.delete(running);
      },
      (error: unknown) => {
        this.#failed.reject(error);
      },
    );
    this.#running.add(running);
    return one;
  }
}
