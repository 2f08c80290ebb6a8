import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseArguments } from '../../../src/cli/arguments.ts';
import { messageOf } from '../../../src/core/errors.ts';
import { ROOT, commandsOf, documents } from './documents.ts';

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

/** Where a path of ours begins; what is built comes from src. */
const OURS = /^(config|dist|docs|helm|image|scripts|src|test)\//;

const flawOfKeyferry = (words: readonly string[]): string | undefined => {
  // `keyferry COMMAND`, or a word of the text behind the name of the program.
  if (/^[A-Z<…]/.test(words[0] ?? '')) return undefined;
  try {
    parseArguments(words, { KEYFERRY_CONFIG: 'some.yaml' });
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
};

/** What is wrong with a command; undefined: nothing. */
const flawOf = (command: string): string | undefined => {
  const words = command.split(/\s+/);
  const missing = words
    .filter((word) => OURS.test(word) && !/[*$<{…]/.test(word))
    .find((path) => !existsSync(join(ROOT, path.replace(/^dist\/(.*)\.js$/, 'src/$1.ts'))));
  if (missing !== undefined) return `${command}: there is no ${missing}`;
  const [program, first = '', ...rest] = words;
  if (program === 'npm' && first === 'run' && scripts[rest[0] ?? ''] === undefined) return `${command}: no such script`;
  const keyferry =
    program === 'keyferry'
      ? [first, ...rest]
      : (program === 'npx' && first === 'keyferry') || (program === 'node' && first.endsWith('dist/main.js'))
        ? rest
        : undefined;
  const flaw = keyferry && flawOfKeyferry(keyferry.filter((word) => word !== '>' && word !== ''));
  return flaw === undefined ? undefined : `${command}: ${flaw}`;
};

describe('the commands of the documentation', () => {
  it.each(documents)('name scripts, options and files that there are: $path', (document) => {
    expect(commandsOf(document).flatMap((command) => flawOf(command) ?? [])).toEqual([]);
  });

  it('are found where they stand', () => {
    const found = new Map(documents.map((document) => [document.path, commandsOf(document)]));
    expect(found.get('README.md')).toContain('node dist/main.js verify --config config/keyferry.yaml');
    expect(found.get('docs/benchmark.md')).toContain('npm run bench -- --only a,e --scale 0.1');
  });

  it.each([
    ['npm run no-such-script', 'no such script'],
    ['keyferry run --confg x', '--confg'],
    ['npx keyferry start --config x', 'start is no command'],
    ['node dist/main.js check --config config/none.yaml', 'there is no config/none.yaml'],
  ])('would be found wrong: %s', (command, flaw) => {
    expect(flawOf(command)).toContain(flaw);
  });
});
