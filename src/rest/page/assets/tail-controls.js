import { byId } from './dom.js';

/** While somebody types, the daemon is asked only once they stop. */
const TYPING_MS = 400;

/** What of the changes is wanted: the pattern, the flow, and whether any at all. */
export class TailControls {
  #match = byId('match', HTMLInputElement);
  #flow = byId('tail-flow', HTMLSelectElement);
  #pause = byId('tail-pause', HTMLButtonElement);
  /** @type {readonly string[]} */
  #offered = [];
  #isPaused = false;
  #timer = 0;

  /** @param {{ asked: () => void, changed: () => void }} listener `asked`: for other ones; `changed`: for none, or again */
  constructor({ asked, changed }) {
    this.#match.addEventListener('input', () => {
      clearTimeout(this.#timer);
      this.#timer = window.setTimeout(asked, TYPING_MS);
    });
    this.#flow.addEventListener('change', asked);
    this.#pause.addEventListener('click', () => {
      this.#isPaused = !this.#isPaused;
      this.#pause.setAttribute('aria-pressed', String(this.#isPaused));
      changed();
    });
    // Nobody watches a hidden page: neither it nor the daemon works for that.
    document.addEventListener('visibilitychange', () => {
      if (!this.#isPaused) changed();
    });
  }

  /** The path to ask for, below /api/v1/. */
  path() {
    if (this.#isPaused || document.hidden) return 'events';
    const query = new URLSearchParams({ tail: '1' });
    const match = this.#match.value.trim();
    if (match !== '') query.set('match', match);
    const [kind, name] = this.#flow.value.split(/:(.*)/s);
    if (kind !== undefined && name !== undefined) query.set(kind, name);
    return `events?${query.toString()}`;
  }

  /** @param {import('./api-types.d.ts').Status} status whose flows changes can come from */
  offer({ sources, sinks }) {
    const values = [...sources.map(({ name }) => `source:${name}`), ...sinks.map(({ name }) => `sink:${name}`)];
    if (values.join('\n') === this.#offered.join('\n')) return;
    this.#offered = values;
    const chosen = this.#flow.value;
    const options = values.map((value) => new Option(value.replace(':', ' '), value));
    this.#flow.replaceChildren(new Option('all', ''), ...options);
    this.#flow.value = values.includes(chosen) ? chosen : '';
  }
}
