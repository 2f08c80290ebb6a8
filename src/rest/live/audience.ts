import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { Refusal, retryAfter } from '../refusal.ts';
import type { ChangeTail, TailFilter, TailListener } from './change-tail.ts';
import { EventStream } from './event-stream.ts';

const MAX_LISTENERS = 16;
const CHANGES_EVERY_MS = 250;
const STATUS_EVERY_MS = 1_000;
const RETRY_MS = 10_000;

interface Named {
  readonly name: string;
}

interface Status {
  readonly sources: readonly Named[];
  readonly sinks: readonly Named[];
}

export interface AudienceOptions {
  /** As JSON. */
  readonly status: () => Status | Promise<Status>;
  readonly tail: ChangeTail;
  /** Who takes nothing for so long is cut off. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Listener {
  readonly stream: EventStream;
  /** undefined: it wants the status only. */
  readonly tail: TailListener | undefined;
  /** Monotonic ms of its last event that it had room for. */
  takenAtMs: number;
}

/** All who listen to events: the status at once and each second, and the changes that they want. No work while nobody does. */
export class Audience {
  readonly #options: AudienceOptions;
  readonly #listeners = new Set<Listener>();
  #stop: (() => void) | undefined;
  #statusDueMs = 0;
  #isAsking = false;

  constructor(options: AudienceOptions) {
    this.#options = options;
  }

  /** @param filter undefined: the status only. @throws Refusal where there are too many. */
  async admit(filter: TailFilter | undefined): Promise<EventStream> {
    if (this.#listeners.size >= MAX_LISTENERS)
      throw new Refusal('overloaded', `${MAX_LISTENERS} others listen already`, retryAfter(RETRY_MS));
    const { clock, tail } = this.#options;
    const stream = new EventStream();
    const listener = { stream, tail: filter && tail.listen(filter), takenAtMs: clock.monotonic() };
    this.#listeners.add(listener);
    stream.once('close', () => {
      this.#leave(listener);
    });
    this.#stop ??= clock.every(CHANGES_EVERY_MS, () => {
      this.#tick();
    });
    try {
      stream.send('status', await this.#statusText());
      return stream;
    } catch (error) {
      stream.destroy();
      throw error;
    }
  }

  /** Sends everybody away at once. */
  close(): void {
    for (const { stream } of this.#listeners) stream.end();
  }

  #leave(listener: Listener): void {
    listener.tail?.close();
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0) return;
    this.#stop?.();
    this.#stop = undefined;
  }

  #tick(): void {
    const { clock, logger, timeoutMs } = this.#options;
    const now = clock.monotonic();
    for (const listener of this.#listeners) {
      const { stream, tail } = listener;
      if (!stream.isClogged) {
        listener.takenAtMs = now;
        const portion = tail?.take();
        if (portion !== undefined) stream.send('changes', JSON.stringify(portion));
      } else if (now - listener.takenAtMs > timeoutMs) {
        logger.debug({}, 'a client that does not read its events is cut off');
        stream.destroy();
      }
    }
    if (now < this.#statusDueMs || this.#isAsking) return;
    this.#statusDueMs = now + STATUS_EVERY_MS;
    void this.#sendStatus();
  }

  async #sendStatus(): Promise<void> {
    this.#isAsking = true;
    try {
      const text = await this.#statusText();
      for (const { stream } of this.#listeners) if (!stream.isClogged) stream.send('status', text);
    } catch (error) {
      this.#options.logger.error({ reason: messageOf(error) }, 'the status cannot be told');
    }
    this.#isAsking = false;
  }

  async #statusText(): Promise<string> {
    return JSON.stringify(await this.#options.status());
  }
}
