import { readFileSync } from 'node:fs';

const DOCUMENT = new URL('../../docs/operations.md', import.meta.url);

/** Rules of ACL SETUSER. */
export interface DocumentedRules {
  readonly rules: readonly string[];
  /** Those that not every server knows. */
  readonly newer: readonly string[];
}

/** What stands in the place of `<key>` and `<db>`; a rule that has several values comes once for each. */
export type Names = Readonly<Record<string, readonly string[]>>;

/** The rules that docs/operations.md lists for features. @param isBefore7 as it says that they are for Redis 6.2 */
export const rulesIn = (features: readonly string[], names: Names = {}, isBefore7 = false): DocumentedRules => {
  const listed = features.map(linesOf);
  const words = (lines: readonly string[]): readonly string[] => [
    ...new Set(
      lines
        .flatMap((line) => line.trim().split(' '))
        .flatMap((word) => (isBefore7 ? forRedis6(word) : [word]))
        .flatMap((word) => filled(word, names)),
    ),
  ];
  return {
    rules: words(listed.flatMap((lines) => lines.filter((line) => !line.includes(': ')))),
    newer: words(listed.flatMap((lines) => lines.flatMap((line) => line.split(': ')[1] ?? []))),
  };
};

const forRedis6 = (rule: string): readonly string[] => {
  if (rule === '+pexpiretime') return ['+pttl', '+time'];
  return rule.endsWith('_ro') ? [] : [rule.replace(/^%R~/, '~')];
};

interface Server {
  call(name: string, ...args: string[]): Promise<unknown>;
}

/** The rules of a connection and of features, as this server takes them. */
export const rulesFor = async (server: Server, features: readonly string[], names: Names): Promise<DocumentedRules> =>
  rulesIn(
    ['Every connection', ...features],
    names,
    /^redis_version:6/m.test(String(await server.call('INFO', 'server'))),
  );

export interface User {
  readonly name: string;
  readonly features: readonly string[];
  readonly names: Names;
  /** A rule that it does not get. */
  readonly without?: string;
}

/** Makes a user, or makes it anew, with the documented rules and the password `geheim`. */
export const makeUser = async (server: Server, { name, features, names, without }: User): Promise<void> => {
  const { rules: listed, newer } = await rulesFor(server, features, names);
  // Redis refuses patterns beside one that allows all.
  const rules = listed.includes('~*') ? listed.filter((rule) => !/^~./.test(rule) || rule === '~*') : listed;
  const set = (...some: readonly string[]) => server.call('ACL', 'SETUSER', name, ...some);
  await set('reset', 'resetchannels', 'on', '>geheim', ...rules.filter((rule) => rule !== without));
  for (const rule of newer.filter((each) => each !== without)) {
    // Those that a server does not know are of newer ones.
    await set(rule).catch((error: unknown) => {
      if (!String(error).includes('Unknown command')) throw error;
    });
  }
};

const linesOf = (feature: string): readonly string[] => {
  const lines = readFileSync(DOCUMENT, 'utf8').split('\n');
  const after = lines.slice(lines.indexOf(feature) + 1);
  const end = after.findIndex((line) => !line.startsWith('  '));
  if (!lines.includes(feature) || end < 1) throw new Error(`docs/operations.md lists no rules for: ${feature}`);
  return after.slice(0, end);
};

const filled = (word: string, names: Names): readonly string[] => {
  const [, name] = /<(\w+)>/.exec(word) ?? [];
  return name === undefined ? [word] : (names[name] ?? []).map((value) => word.replace(`<${name}>`, value));
};
