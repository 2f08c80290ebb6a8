/** What the daemon must still know after a restart and no topic tells: a few short texts, by name. */
export interface Notes {
  get(name: string): string | undefined;
  /** Resolves once it is on disk. @param text undefined: it is forgotten. @throws KF_STATE_STORE: it may or may not stand. */
  set(name: string, text: string | undefined): Promise<void>;
}
