import type { KeyName } from '../../src/core/key-name.ts';
import type { PublishedState, PublishedStates } from '../../src/state-store/published-states.ts';

/** States as plain entries, without positions. */
export class MemoryStates implements PublishedStates {
  readonly states = new Map<KeyName, PublishedState>();
  get = (name: KeyName): PublishedState | undefined => this.states.get(name);
  remember: PublishedStates['remember'] = (changes) => {
    for (const { key: name, state } of changes) {
      if (state === undefined) this.states.delete(name);
      else this.states.set(name, state);
    }
  };
  positions = (): [] => [];
  clear = (): void => {
    this.states.clear();
  };
  keys = (): readonly KeyName[] => [...this.states.keys()];
  count = (): number => this.states.size;
}
