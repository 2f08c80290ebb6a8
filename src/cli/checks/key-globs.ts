export const isGlob = (key: string): boolean => /[*?[\\]/.test(key);

/** The glob of one name. */
export const escaped = (name: string): string => name.replace(/[*?[\]\\]/g, '\\$&');

/** A key that a glob matches, and none that is likely to be matched by a narrower one. */
export const sampleKey = (glob: string): string =>
  glob.replace(/\\(.)|\[(?:\\.|[^\]])*\]|[*?]/gs, (part, plain: string | undefined) => {
    if (plain !== undefined) return plain;
    if (part === '*') return 'keyferry-check';
    return part === '?' ? 'k' : charOf(part);
  });

/** One that a class matches: `[ab]`, `[a-z]`, `[^a]`. */
const charOf = (set: string): string => {
  const inside = set.slice(1, -1);
  if (!inside.startsWith('^')) return inside.startsWith('\\') ? (inside[1] ?? '') : (inside[0] ?? '');
  return ['k', '0', '_', '~'].find((char) => !inside.includes(char)) ?? 'k';
};
