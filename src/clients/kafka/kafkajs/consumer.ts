import { systemClock as clock } from '../../../core/clock.ts';
import type { DriverOptions } from '../driver-options.ts';
import type { GroupConsumer, GroupConsumerOptions, RecordBatch } from '../port.ts';
import { Session } from './session.ts';

const RETRY_DELAY_MS = 500;

export class KafkajsGroupConsumer implements GroupConsumer {
  readonly #options: DriverOptions;
  readonly #group: GroupConsumerOptions;
  readonly #closing = new AbortController();
  #run: Promise<void> | undefined;

  constructor(options: DriverOptions, group: GroupConsumerOptions) {
    this.#options = options;
    this.#group = group;
  }

  async run(handle: (batch: RecordBatch) => Promise<void>): Promise<void> {
    this.#run = this.#untilClosed(handle);
    await this.#run;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#run?.catch(() => undefined); // told to whoever called run
  }

  async #untilClosed(handle: (batch: RecordBatch) => Promise<void>): Promise<void> {
    while (!this.#closing.signal.aborted) {
      await new Session(this.#options, this.#group, handle).run(this.#closing.signal);
      await clock.sleep(RETRY_DELAY_MS, this.#closing.signal);
    }
  }
}
