import { byId, element, onceAFrame, setText } from './dom.js';
import { count, keyText, latency, size } from './format.js';

/** @typedef {import('./api-types.d.ts').TailedChange} TailedChange */

/** Rows on the page; older ones go, however many come. */
export const MAX_ROWS = 200;

const clock = new Intl.DateTimeFormat('en', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
});

/** @param {TailedChange} change */
const row = (change) => {
  const key = element('td', 'key', element('bdi', '', keyText(change.key, change.keyEncoding)));
  if (change.keyBytes !== undefined) key.append(`… (${size(change.keyBytes)})`);
  if (change.value !== undefined) key.append(' ', element('bdi', 'muted', keyText(change.value, undefined)));
  key.title = key.textContent ?? '';
  return element(
    'tr',
    '',
    element('td', 'figure muted', clock.format(change.at)),
    element('td', 'of', change.source ?? change.sink ?? ''),
    element('td', `op op-${/^[a-z]+$/.test(change.op) ? change.op : 'other'}`, change.op),
    element('td', 'type muted', change.type),
    key,
    element('td', 'number figure', size(change.bytes)),
    element('td', 'number figure', latency(change.latencyMs)),
  );
};

/** The latest changes, newest first. What waits for the next frame is bounded as the rows are. */
export class Tail {
  #rows = byId('tail', HTMLTableSectionElement);
  /** @type {TailedChange[]} */
  #waiting = [];
  #seen = 0;
  #skipped = 0;
  #draw = onceAFrame(() => {
    this.#drawNow();
  });

  /** @param {import('./api-types.d.ts').TailPortion} batch */
  add({ changes, skipped }) {
    this.#seen += changes.length + skipped;
    this.#skipped += skipped;
    this.#waiting.push(...changes.slice(-MAX_ROWS));
    this.#waiting = this.#waiting.slice(-MAX_ROWS);
    this.#draw();
  }

  /** Something else is asked for: what stands here does not answer it. */
  clear() {
    this.#waiting = [];
    this.#seen = 0;
    this.#skipped = 0;
    this.#rows.replaceChildren();
    this.#draw();
  }

  #drawNow() {
    const added = this.#waiting.splice(0).map(row);
    this.#rows.prepend(...added.reverse());
    while (this.#rows.rows.length > MAX_ROWS) this.#rows.lastElementChild?.remove();
    byId('tail-empty', HTMLParagraphElement).hidden = this.#rows.rows.length > 0;
    const skipped = this.#skipped === 0 ? '' : `, ${count(this.#skipped)} of them not shown`;
    setText(byId('changes-told', HTMLElement), this.#seen === 0 ? '' : `${count(this.#seen)}${skipped}`);
  }
}
