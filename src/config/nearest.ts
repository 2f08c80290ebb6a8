/** Levenshtein: single characters inserted, removed or replaced. */
export const editDistance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let at = 0; at < a.length; at += 1) {
    const next = [at + 1];
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = (row[column - 1] ?? 0) + (a[at] === b[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
};

/** The candidate that takes the fewest edits, letter case aside; the first of equals. */
export const nearest = (word: string, candidates: readonly string[]): string | undefined => {
  const distance = (candidate: string): number => editDistance(word.toLowerCase(), candidate.toLowerCase());
  const byDistance = candidates.map((candidate) => ({ candidate, edits: distance(candidate) }));
  return byDistance.sort((a, b) => a.edits - b.edits)[0]?.candidate;
};
