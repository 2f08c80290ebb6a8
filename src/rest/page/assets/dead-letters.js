import { call } from './api.js';
import { ask } from './ask.js';
import { element } from './dom.js';
import { count, keyText, size, time } from './format.js';

/** @typedef {import('./api-types.d.ts').DeadLetter} DeadLetter */
/** @typedef {{ readonly letters: readonly DeadLetter[], readonly next: string | null }} Page */
/** @typedef {{ readonly retried: number, readonly superseded: number, readonly failed: readonly { readonly message: string }[] }} Outcome */

/** What one retry takes at most. */
const MAX_IDS = 500;
/** Other flows' letters may stand in between. */
const MAX_PAGES = 20;
const SHOWN = 50;

/**
 * Dead letters that are not done with, the oldest first.
 * @param {string} flow
 */
const lettersOf = async (flow) => {
  const found = [];
  let after = '';
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const path = `dead-letters?limit=${MAX_IDS}${after}`;
    const { letters, next } = /** @type {Page} */ (await call('GET', path));
    found.push(...letters.filter((letter) => letter.flow === flow));
    if (next === null) return { letters: found, isAll: true };
    if (found.length >= MAX_IDS) break;
    after = `&after=${encodeURIComponent(next)}`;
  }
  return { letters: found.slice(0, MAX_IDS), isAll: false };
};

/** The flows that have some, of before the last restart too, which no counter knows of. */
export const flowsWithLetters = async () => {
  const { letters } = /** @type {Page} */ (await call('GET', `dead-letters?limit=${MAX_IDS}`));
  return new Set(letters.flatMap(({ flow }) => flow ?? []));
};

/** @param {DeadLetter} letter */
const row = ({ at, key, keyEncoding, bytes, cause, message }) => {
  const head = element('p', '', element('bdi', 'key', key === null ? 'no key' : keyText(key, keyEncoding)));
  const facts = element('span', 'muted figure', ` ${time(at, Date.now())}${bytes === null ? '' : ` · ${size(bytes)}`}`);
  head.append(facts);
  const why = element('p', 'muted');
  if (cause !== null) {
    const link = element('a', '', cause);
    link.href = `page/errors#${encodeURIComponent(cause)}`;
    link.target = '_blank';
    why.append(link, ' ');
  }
  why.append(message ?? '');
  return element('li', '', head, why);
};

/** @param {readonly DeadLetter[]} letters */
const list = (letters) => {
  const rows = element('ol', 'letters', ...letters.slice(0, SHOWN).map(row));
  if (letters.length > SHOWN) rows.append(element('li', 'muted', `and ${count(letters.length - SHOWN)} more`));
  return rows;
};

/** @param {Outcome} outcome */
const told = ({ retried, superseded, failed }) => {
  const parts = [`${count(retried)} retried`];
  if (superseded > 0) parts.push(`${count(superseded)} passed over, since their keys have newer records`);
  const [first] = failed;
  if (first !== undefined) parts.push(`${count(failed.length)} failed and stay where they are: ${first.message}`);
  return `${parts.join('; ')}.`;
};

/**
 * Shows the dead letters of a flow, and offers to give them back to it.
 * @param {string} flow
 * @param {boolean} mayAct
 */
export const askAboutLetters = async (flow, mayAct) => {
  const title = `Dead letters of ${flow}`;
  const found = await lettersOf(flow).catch((/** @type {Error} */ error) => error);
  if (found instanceof Error) {
    ask({ title, text: `They cannot be listed. ${found.message}` });
    return;
  }
  const { letters, isAll } = found;
  if (letters.length === 0) {
    ask({ title, text: 'There are none that are not done with.' });
    return;
  }
  const amount = `${isAll ? '' : 'The first '}${count(letters.length)}`;
  ask({
    title,
    text: mayAct ? `${amount} will be given back to ${flow}, where none overwrites what is newer.` : `${amount}.`,
    content: list(letters),
    ...(mayAct && {
      confirm: `Retry ${letters.length === 1 ? 'it' : 'them'}`,
      act: async () =>
        told(/** @type {Outcome} */ (await call('POST', 'dead-letters/retry', { ids: letters.map(({ id }) => id) }))),
    }),
  });
};
