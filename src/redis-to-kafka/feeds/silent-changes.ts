import type { KeyName } from '../../core/key-name.ts';

/** Keys watched at most; what is beyond it is found by the reconcile. */
const MAX_KEYS = 10_000;

/**
 * Keys whose state can change without any notification: a stream's consumer groups move on with XREADGROUP, PFCOUNT
 * writes its cached count into the value. They are touched again at an interval.
 */
export class SilentChanges {
  readonly #keys = new Set<KeyName>();

  /** The key was read; one that is gone changes no more. */
  saw(key: KeyName, changesSilently: boolean): void {
    if (!changesSilently) this.#keys.delete(key);
    else if (this.#keys.size < MAX_KEYS) this.#keys.add(key);
  }

  keys(): Iterable<KeyName> {
    return this.#keys;
  }
}
