import { ApiError, request } from './api.js';
import { readEvents } from './events.js';

/** The daemon tells its status every second: after this silence the connection is dead, whatever it looks like. */
const SILENCE_MS = 10_000;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 10_000;

/**
 * @typedef {object} Listener
 * @property {(event: string, data: any) => void} received
 * @property {(reason: string, retryMs: number) => void} lost it is tried again after so long
 * @property {() => void} denied a valid token is needed: nothing more comes until `restart`
 */

/** The stream of events, connected again whenever it ends. */
export class LiveStream {
  #path;
  #listener;
  #controller = new AbortController();
  #retryMs = FIRST_RETRY_MS;

  /**
   * @param {() => string} path what to ask for now, below /api/v1/
   * @param {Listener} listener
   */
  constructor(path, listener) {
    this.#path = path;
    this.#listener = listener;
    // Whoever comes back to the page does not wait for the next try.
    addEventListener('online', () => {
      this.restart();
    });
  }

  /** Connects anew, at once: what is asked for has changed, or may be allowed now. */
  restart() {
    this.#controller.abort();
    this.#controller = new AbortController();
    this.#retryMs = FIRST_RETRY_MS;
    void this.#run(this.#controller.signal);
  }

  /** @param {AbortSignal} signal */
  async #run(signal) {
    while (!signal.aborted) {
      const reason = await this.#connect(signal).catch((/** @type {unknown} */ error) => error);
      if (signal.aborted) return;
      if (reason instanceof ApiError && reason.status === 401) {
        this.#listener.denied();
        return;
      }
      // Not all pages at once after a restart of the daemon.
      const waitMs = this.#retryMs * (0.75 + Math.random() / 2);
      this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
      this.#listener.lost(reason instanceof ApiError ? reason.message : 'The connection was lost.', waitMs);
      await pause(waitMs, signal);
    }
  }

  /** @param {AbortSignal} signal */
  async #connect(signal) {
    const silence = new AbortController();
    const either = AbortSignal.any([signal, silence.signal]);
    let timer = setTimeout(() => silence.abort(), SILENCE_MS);
    try {
      const { body } = await request(this.#path(), { signal: either });
      if (body === null) return;
      for await (const { event, data } of readEvents(body)) {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENCE_MS);
        this.#retryMs = FIRST_RETRY_MS;
        this.#listener.received(event, JSON.parse(data));
      }
    } finally {
      clearTimeout(timer);
    }
  }
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
const pause = (ms, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
