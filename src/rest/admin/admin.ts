import type { Letters } from '../../dead-letters/letters.ts';

/** What can be done to flows and dead letters over HTTP. Every action may be repeated: done twice is done once. */
export interface Admin {
  /**
   * Resolves once a restart would not forget it.
   * @throws AdminRefusal where there is no such flow; KF_STATE_STORE
   */
  setPaused(part: Part, name: string, isPaused: boolean): Promise<void>;
  /**
   * Has keys published again, changed or not; resolves once a restart would not forget it.
   * @param match a Redis glob; null: all that the source carries.
   * @throws AdminRefusal where there is no such source, or one that carries no keys; KF_BUSY; KF_STATE_STORE
   */
  snapshot(source: string, match: string | null): Promise<StartedSnapshot>;
  readonly letters: Letters;
}

export type Part = 'sources' | 'sinks';

export interface StartedSnapshot {
  readonly id: string;
  readonly match: string | null;
  /** Unix ms. */
  readonly startedAt: number;
}

const STATUS = { not_found: 404, conflict: 409 } as const;

/** What cannot be done as it was asked for. */
export class AdminRefusal extends Error {
  override readonly name = 'AdminRefusal';
  readonly code: keyof typeof STATUS;

  constructor(code: keyof typeof STATUS, message: string) {
    super(message);
    this.code = code;
  }

  get statusCode(): number {
    return STATUS[this.code];
  }
}
