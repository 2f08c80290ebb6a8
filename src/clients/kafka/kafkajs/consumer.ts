import { systemClock as clock } from '../../../core/clock.ts';
import type { DriverOptions } from '../driver-options.ts';
import type { GroupConsumer, GroupConsumerOptions, RecordBatch } from '../port.ts';
import { Session } from './session.ts';

const RETRY_DELAY_MS = 500;

export class KafkajsGroupConsumer implements GroupConsumer {
  readonly #options: DriverOptions;
  readonly #group: GroupConsumerOptions;
  readonly #closing = new AbortController();
  #session: Session | undefined;
  #isPaused = false;
  #run: Promise<void> | undefined;

  constructor(options: DriverOptions, group: GroupConsumerOptions) {
    this.#options = options;
    this.#group = group;
  }

  async run(handle: (batch: RecordBatch) => Promise<void>): Promise<void> {
    this.#run = this.#untilClosed(handle);
    await this.#run;
  }

  pause(): void {
    this.#isPaused = true;
    this.#session?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#session?.resume();
  }

  async aside<T>(topic: string, partition: number, action: () => Promise<T>): Promise<T | undefined> {
    return this.#session?.aside(topic, partition, action);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#run?.catch(() => undefined); // told to whoever called run
  }

  async #untilClosed(handle: (batch: RecordBatch) => Promise<void>): Promise<void> {
    while (!this.#closing.signal.aborted) {
      this.#session = new Session(this.#options, this.#group, handle);
      if (this.#isPaused) this.#session.pause();
      await this.#session.run(this.#closing.signal);
      this.#session = undefined;
      await clock.sleep(RETRY_DELAY_MS, this.#closing.signal);
    }
  }
}
