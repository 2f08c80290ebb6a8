import type { Database, RootDatabase } from 'lmdb';
import { KeyferryError, messageOf } from '../core/errors.ts';
import type { Notes } from './notes.ts';

export class LmdbNotes implements Notes {
  readonly #environment: RootDatabase;
  readonly #table: Database<string, string>;

  constructor(environment: RootDatabase) {
    this.#environment = environment;
    this.#table = environment.openDB('notes', { encoding: 'string', cache: false });
  }

  get(name: string): string | undefined {
    return this.#table.get(name);
  }

  async set(name: string, text: string | undefined): Promise<void> {
    try {
      await (text === undefined ? this.#table.remove(name) : this.#table.put(name, text));
      await this.#environment.flushed;
    } catch (error) {
      throw new KeyferryError('KF_STATE_STORE', `state.path takes no note of ${name}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
}
