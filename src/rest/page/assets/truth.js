import { byId, setAttribute, setText } from './dom.js';
import { count, rate, span } from './format.js';
import { SUMMARY_STATES } from './states.js';

/** @typedef {import('./api-types.d.ts').Status} Status */

const truth = byId('truth', HTMLElement);
const stale = byId('stale', HTMLParagraphElement);
const connection = byId('connection', HTMLSpanElement);

/** @param {number} amount @param {string} noun */
const some = (amount, noun) => `${count(amount)} ${noun}${amount === 1 ? '' : 's'}`;

/** @param {Status} status */
const factsOf = ({ at, startedAt, sources, sinks }) => {
  const flows = [...sources, ...sinks];
  const perSecond = flows.reduce((sum, { now }) => sum + now.perSecond, 0);
  const open = sources.reduce((sum, { gaps }) => sum + gaps.length, 0);
  const letters = flows.reduce((sum, { deadLetters }) => sum + deadLetters, 0);
  return [
    `${rate(perSecond)} per second`,
    ...(sources.length > 0 ? [some(sources.length, 'source')] : []),
    ...(sinks.length > 0 ? [some(sinks.length, 'sink')] : []),
    open === 0 ? 'no gap open' : `${some(open, 'gap')} open`,
    `up ${span(at - startedAt)}`,
    // Those of before are not known here; the cards offer them.
    `${letters === 0 ? 'no dead letter' : some(letters, 'dead letter')} since then`,
  ];
};

/** The one sentence, and what stands around it. @param {Status} status */
export const drawTruth = (status) => {
  const { tone, glyph } = SUMMARY_STATES[status.summary.state] ?? SUMMARY_STATES.unknown;
  setAttribute(truth, 'data-tone', tone);
  setAttribute(byId('truth-glyph', SVGUseElement), 'href', `#glyph-${glyph}`);
  setText(byId('summary', HTMLSpanElement), status.summary.text);
  setText(byId('facts', HTMLParagraphElement), factsOf(status).join(' · '));
  setText(byId('version', HTMLSpanElement), status.version);
};

/** Said aloud when the state changes, and not with every second that it lasts. The title tells it in the tab. */
export const announce = (/** @type {Status} */ { summary: { state, text } }) => {
  const { words } = SUMMARY_STATES[state] ?? SUMMARY_STATES.unknown;
  const title = `${words} · Keyferry`;
  if (document.title === title) return;
  document.title = title;
  setText(byId('announcement', HTMLParagraphElement), text);
};

const STALE_TITLE = 'Stale · Keyferry';

/** @typedef {{ readonly silentMs: number, readonly reason: string, readonly wasHeard: boolean }} Silence */

/** What stands on the page may not be true any more: it says so, and looks like it. @param {Silence} silence */
export const drawSilence = ({ silentMs, reason, wasHeard }) => {
  document.documentElement.toggleAttribute('data-stale', true);
  const words = wasHeard ? 'Stale: what stands here may not be true any more.' : 'Nothing is known yet.';
  setText(byId('stale-words', HTMLElement), `${words} ${reason}`.trim());
  setText(byId('stale-age', HTMLElement), wasHeard ? `Last heard of the daemon ${span(silentMs)} ago.` : '');
  stale.hidden = false;
  setText(connection, 'Not connected');
  if (document.title !== STALE_TITLE) document.title = STALE_TITLE;
};

/** @param {boolean} isConnected it was so a moment ago at the latest */
export const drawLive = (isConnected) => {
  document.documentElement.toggleAttribute('data-stale', false);
  stale.hidden = true;
  setText(connection, isConnected ? 'Live' : 'Connecting…');
};
