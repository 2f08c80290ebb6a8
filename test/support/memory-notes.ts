import type { Notes } from '../../src/state-store/notes.ts';

/** Notes that last as long as the object does. */
export class MemoryNotes implements Notes {
  readonly #texts = new Map<string, string>();

  get(name: string): string | undefined {
    return this.#texts.get(name);
  }

  set(name: string, text: string | undefined): Promise<void> {
    if (text === undefined) this.#texts.delete(name);
    else this.#texts.set(name, text);
    return Promise.resolve();
  }
}
