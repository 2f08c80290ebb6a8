/** How states look: a tone, which is a colour, and a glyph for whoever does not see colours. */

/** @typedef {{ readonly tone: string, readonly glyph: string, readonly words: string }} Look */

/** @type {Readonly<Record<import('./api-types.d.ts').FlowState, Look>>} */
export const FLOW_STATES = {
  running: { tone: 'good', glyph: 'good', words: 'Running' },
  repairing: { tone: 'busy', glyph: 'busy', words: 'Repairing' },
  paused: { tone: 'still', glyph: 'still', words: 'Paused' },
  waiting: { tone: 'busy', glyph: 'unknown', words: 'Waiting' },
  failed: { tone: 'bad', glyph: 'bad', words: 'Failed' },
};

/** @type {Readonly<Record<import('./api-types.d.ts').SummaryState | 'unknown', Look>>} */
export const SUMMARY_STATES = {
  'in-sync': { tone: 'good', glyph: 'good', words: 'In sync' },
  repairing: { tone: 'busy', glyph: 'busy', words: 'Repairing' },
  behind: { tone: 'busy', glyph: 'busy', words: 'Behind' },
  disconnected: { tone: 'bad', glyph: 'bad', words: 'Disconnected' },
  paused: { tone: 'still', glyph: 'still', words: 'Paused' },
  empty: { tone: 'still', glyph: 'unknown', words: 'Nothing to do' },
  unknown: { tone: 'unknown', glyph: 'unknown', words: 'Unknown' },
};
