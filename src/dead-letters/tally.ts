import type { Place } from '../core/place.ts';
import type { Settlement } from './letters.ts';
import { type Letter, letterId } from './read-letter.ts';
import type { Redelivered } from './redelivery.ts';

/** What became of the letters of one call. */
export class Tally {
  alreadyDone = 0;
  /** There are more than this call takes. */
  more = false;
  #done = 0;
  #superseded = 0;
  readonly #failed: { readonly id: string; readonly message: string }[] = [];

  /** Letters dealt with. */
  get count(): number {
    return this.#done + this.#superseded + this.#failed.length;
  }

  add({ place }: Letter, outcome: Redelivered | undefined): void {
    if (outcome === 'done') this.#done += 1;
    else if (outcome === 'superseded') this.#superseded += 1;
    else
      this.failed([place], outcome === undefined ? 'its flow did not take it' : `${outcome.code}: ${outcome.message}`);
  }

  failed(places: readonly Place[], message: string): void {
    for (const place of places) this.#failed.push({ id: letterId(place), message });
  }

  settlement(): Settlement {
    const { alreadyDone, more } = this;
    return { done: this.#done, superseded: this.#superseded, alreadyDone, failed: this.#failed, more };
  }
}
