import type { KeyName } from '../../core/key-name.ts';
import { globToRegExp } from './key-filter.ts';

/**
 * Whether keys match a Redis glob. Whoever may read gives one, and whoever may write names keys, so it takes time in proportion to key and glob, whatever
 * they are: what stands between the stars is looked for from left to right, and nothing is ever tried again.
 */
export const keyGlob = (glob: string): ((key: KeyName) => boolean) => {
  const [first = '', ...rest] = splitAtStars(glob);
  const last = rest.pop();
  if (last === undefined) {
    const whole = globToRegExp(glob);
    return (key) => whole.test(key);
  }
  const parts = [
    new RegExp(sourceOf(first), 'y'),
    ...rest.map((part) => new RegExp(sourceOf(part), 'g')),
    new RegExp(`${sourceOf(last)}$`, 'g'),
  ];
  return (key) => {
    let at = 0;
    for (const part of parts) {
      part.lastIndex = at;
      if (!part.test(key)) return false;
      at = part.lastIndex;
    }
    return true;
  };
};

/** Of an expression that has no star, and so matches one length only; without its anchors. */
const sourceOf = (glob: string): string => globToRegExp(glob).source.slice(1, -1);

/** An escape, a bracket expression, or one character. */
const PIECES = /\\[^]|\[\^?(?:\\[^]|[^\]])*\]?|[^]/g;

const splitAtStars = (glob: string): readonly string[] => {
  const parts: string[] = [];
  let part = '';
  for (const [piece] of glob.matchAll(PIECES)) {
    if (piece === '*') {
      parts.push(part);
      part = '';
    } else part += piece;
  }
  return [...parts, part];
};
