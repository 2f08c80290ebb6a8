import { type KeyName, isReserved } from '../../core/key-name.ts';

const escapeRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

/** A bracket expression of a Redis glob, from behind its `[`: the expression, and the index behind its `]`. */
const bracket = (glob: string, start: number): { source: string; end: number } => {
  let at = start;
  const negated = glob[at] === '^';
  if (negated) at += 1;
  let source = '';
  while (at < glob.length && glob[at] !== ']') {
    if (glob[at] === '\\' && at + 1 < glob.length) at += 1;
    const from = glob[at] ?? '';
    if (glob[at + 1] === '-' && at + 2 < glob.length && glob[at + 2] !== ']') {
      const [low, high] = [from, glob[at + 2] ?? ''].sort() as [string, string];
      source += `${escapeRegExp(low)}-${escapeRegExp(high)}`;
      at += 3;
    } else {
      source += escapeRegExp(from);
      at += 1;
    }
  }
  // An empty set matches nothing, an empty negated one everything, as in Redis.
  const empty = negated ? '[^]' : '[]';
  return { source: source === '' ? empty : `[${negated ? '^' : ''}${source}]`, end: at + 1 };
};

/** A Redis glob (`*`, `?`, `[a-z]`, `[^a]`, `\` escapes) over the bytes of a key, as KEYS and ACL patterns match. */
export const globToRegExp = (glob: string): RegExp => {
  const bytes = Buffer.from(glob, 'utf8').toString('latin1');
  let source = '';
  for (let at = 0; at < bytes.length;) {
    const char = bytes[at] ?? '';
    at += 1;
    if (char === '*') source += source.endsWith('[^]*') ? '' : '[^]*';
    else if (char === '?') source += '[^]';
    else if (char === '[') {
      const set = bracket(bytes, at);
      source += set.source;
      at = set.end;
    } else if (char === '\\' && at < bytes.length) {
      source += escapeRegExp(bytes[at] ?? '');
      at += 1;
    } else source += escapeRegExp(char);
  }
  return new RegExp(`^${source}$`);
};

/** Which keys a source carries. Keyferry's own keys never pass. */
export const keyFilter = (include: readonly string[], exclude: readonly string[]): ((key: KeyName) => boolean) => {
  const included = include.includes('*') ? undefined : include.map(globToRegExp);
  const excluded = exclude.map(globToRegExp);
  return (key) =>
    !isReserved(key) && (included === undefined || matchesAny(included, key)) && !matchesAny(excluded, key);
};

/** A loop, as this runs for each notification: a closure for each would be garbage. */
const matchesAny = (globs: readonly RegExp[], key: KeyName): boolean => {
  for (const glob of globs) if (glob.test(key)) return true;
  return false;
};
