/** Figures and times as people read them. Pure. */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat('en', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const day = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric' });

/** What is not known, or does not apply. */
export const NOTHING = '–';

/** @param {number | null | undefined} value */
export const count = (value) => (value == null ? NOTHING : whole.format(value));

/** @param {number} value */
export const shortCount = (value) => compact.format(value);

/**
 * Three digits, as long as there is something to tell.
 * @param {number} value
 */
const threeDigits = (value) => (value >= 100 ? whole.format(value) : value.toFixed(value >= 10 ? 1 : 2));

/** @param {number} perSecond */
export const rate = (perSecond) =>
  perSecond === 0 ? '0' : perSecond >= 10 ? whole.format(perSecond) : perSecond.toFixed(1);

/**
 * A latency: `0.83 ms`, `14 s`.
 * @param {number | null | undefined} ms
 */
export const latency = (ms) => {
  if (ms == null) return NOTHING;
  if (ms < 1_000) return `${threeDigits(ms)} ms`;
  return ms < 60_000 ? `${threeDigits(ms / 1_000)} s` : span(ms);
};

/**
 * A span of time in its two largest units: `14 s`, `3 h 12 min`.
 * @param {number} ms
 */
export const span = (ms) => {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return two(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  if (seconds < 86_400) return two(Math.floor(seconds / 3_600), 'h', Math.floor(seconds / 60) % 60, 'min');
  return two(Math.floor(seconds / 86_400), 'd', Math.floor(seconds / 3_600) % 24, 'h');
};

/**
 * @param {number} large
 * @param {string} largeUnit
 * @param {number} small
 * @param {string} smallUnit
 */
const two = (large, largeUnit, small, smallUnit) =>
  `${large} ${largeUnit}${small === 0 ? '' : ` ${small} ${smallUnit}`}`;

/**
 * A time of today: `14:03:07`; of another day with its date.
 * @param {number} at
 * @param {number} now
 */
export const time = (at, now) => {
  const text = clock.format(at);
  return day.format(at) === day.format(now) ? text : `${day.format(at)} ${text}`;
};

/** @param {number} bytes */
export const size = (bytes) => {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${threeDigits(bytes / 1_000)} kB` : `${threeDigits(bytes / 1_000_000)} MB`;
};

/** @typedef {[RegExp, (character: string) => string]} Replacement */

/** @type {Replacement} */
const NO_ASCII = [
  /[^ -[\]-~]/g,
  (byte) => (byte === '\\' ? '\\\\' : `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`),
];

/** @type {Replacement} */
const INVISIBLE = [/(?! )[\p{C}\p{Z}]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`];

/**
 * A Redis key as text: bytes that are no text as redis-cli shows them, and no character that is invisible or turns the
 * direction of what follows, so that no key can look like another.
 * @param {string} key
 * @param {string | undefined} encoding `base64`: the key is not UTF-8
 */
export const keyText = (key, encoding) => {
  const [text, replacement] = encoding === 'base64' ? [atob(key), NO_ASCII] : [key, INVISIBLE];
  return text.replace(...replacement);
};
