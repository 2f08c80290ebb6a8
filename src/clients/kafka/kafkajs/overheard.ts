/**
 * What the library says in its log and in no error: that the group is denied to us. It looks for a coordinator that it
 * may have, finds none, and tells only that.
 */
export class Overheard {
  #isGroupDenied = false;

  /** @param error of an answer, in the library's words */
  hear(error: string): void {
    if (/group authorization failed/i.test(error)) this.#isGroupDenied = true;
  }

  /** What a failure is about. */
  explain(failure: unknown): unknown {
    if (!this.#isGroupDenied) return failure;
    return Object.assign(new Error('Group authorization failed'), {
      type: 'GROUP_AUTHORIZATION_FAILED',
      cause: failure,
    });
  }
}
