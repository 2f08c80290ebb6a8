import { Turns } from '../core/turns.ts';
import { KeyspaceSource } from '../redis-to-kafka/flow.ts';
import type { Letters } from '../dead-letters/letters.ts';
import { type Admin, AdminRefusal, type Part, type StartedSnapshot } from '../rest/admin/admin.ts';
import type { Notes } from '../state-store/notes.ts';
import type { Flow } from './flows.ts';

export interface ControlOptions {
  readonly sources: readonly Flow[];
  readonly sinks: readonly Flow[];
  readonly letters: Letters;
  readonly notes: Notes;
}

const PAUSED = 'paused';

const noteOf = (part: Part, name: string): string => `pause/${part}/${name}`;

/** What an operator may do to the flows. A flow that was paused when the daemon stopped is paused when it starts. */
export class Control implements Admin {
  readonly letters: Letters;
  readonly #flows: Readonly<Record<Part, readonly Flow[]>>;
  readonly #notes: Notes;
  /** What is noted and what is done must be one: one change at a time. */
  readonly #turns = new Turns();

  /** Before the flows run. */
  constructor({ sources, sinks, letters, notes }: ControlOptions) {
    this.letters = letters;
    this.#flows = { sources, sinks };
    this.#notes = notes;
    for (const part of ['sources', 'sinks'] as const) {
      for (const flow of this.#flows[part]) flow.pause.set(notes.get(noteOf(part, flow.name)) === PAUSED);
    }
  }

  async setPaused(part: Part, name: string, isPaused: boolean): Promise<void> {
    const flow = this.#find(part, name);
    await this.#turns.take(async () => {
      await this.#notes.set(noteOf(part, name), isPaused ? PAUSED : undefined);
      flow.pause.set(isPaused);
    });
  }

  async snapshot(name: string, match: string | null): Promise<StartedSnapshot> {
    const source = this.#find('sources', name);
    if (source instanceof KeyspaceSource) return source.snapshot(match);
    throw new AdminRefusal(
      'conflict',
      `source ${name} carries what is added to its keys, not their states: only a keyspace source can take a snapshot`,
    );
  }

  #find(part: Part, name: string): Flow {
    const flow = this.#flows[part].find((each) => each.name === name);
    if (flow === undefined) throw new AdminRefusal('not_found', `${part} has no "${name}"`);
    return flow;
  }
}
