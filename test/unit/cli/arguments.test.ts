import { describe, expect, it } from 'vitest';
import { parseArguments } from '../../../src/cli/arguments.ts';

const NONE = {};

describe('the command line', () => {
  it.each(['run', 'check', 'verify', 'config'])('takes %s with its configuration', (command) => {
    expect(parseArguments([command, '--config', 'a.yaml'], NONE)).toEqual({
      kind: 'command',
      command,
      configFile: 'a.yaml',
      limit: 20,
    });
  });

  it('takes the configuration from KEYFERRY_CONFIG, and --config before it', () => {
    const environment = { KEYFERRY_CONFIG: 'env.yaml' };
    expect(parseArguments(['run'], environment)).toMatchObject({ configFile: 'env.yaml' });
    expect(parseArguments(['-c', 'a.yaml', 'run'], environment)).toMatchObject({ configFile: 'a.yaml' });
  });

  it('takes a limit for verify', () => {
    expect(parseArguments(['verify', '-c', 'a', '--limit', '0'], NONE)).toMatchObject({ limit: 0 });
  });

  it.each([['--help'], ['-h']])('explains itself: %s', (option) => {
    const help = parseArguments([option], NONE);
    expect(help).toMatchObject({ kind: 'help', text: expect.stringMatching(/run.*check.*verify.*config/s) as unknown });
  });

  it.each(['run', 'check', 'verify', 'config'])('explains %s, without a configuration', (command) => {
    const usage = expect.stringContaining(`Usage: keyferry ${command} --config FILE`) as unknown;
    expect(parseArguments([command, '--help'], NONE)).toMatchObject({ kind: 'help', text: usage });
  });

  it.each([[['--help']], ...['run', 'check', 'verify', 'config'].map((command) => [[command, '--help']])])(
    'fits a terminal of 80 columns and 24 lines: %j',
    (args) => {
      const help = parseArguments(args, NONE);
      const lines = help.kind === 'help' ? help.text.split('\n') : [];
      // The prompt comes below it.
      expect(lines.length).toBeLessThan(24);
      expect(lines.filter((line) => line.length > 80)).toEqual([]);
    },
  );

  it('tells its version whatever else is said', () => {
    expect(parseArguments(['--version'], NONE)).toEqual({ kind: 'version' });
    expect(parseArguments(['run', '--version'], NONE)).toEqual({ kind: 'version' });
  });

  it.each([
    ['no command', [], /no command is given/],
    ['an unknown command', ['start'], /start is no command \(commands are run, check, verify, config/],
    ['a name that objects have', ['constructor'], /constructor is no command/],
    ['an unknown option', ['run', '--confg', 'x'], /Unknown option '--confg'/],
    ['an option without its value', ['run', '--config'], /--config/],
    ['one argument too many', ['run', 'a.yaml'], /a\.yaml is one argument too many/],
    ['no configuration', ['run'], /write --config FILE, or set KEYFERRY_CONFIG/],
    ['a limit of another command', ['run', '-c', 'a', '--limit', '1'], /--limit belongs to verify/],
    ['a limit that is none', ['verify', '-c', 'a', '--limit', 'x'], /--limit must be a number/],
  ])('refuses %s in one line', (_, args, message) => {
    const parse = (): unknown => parseArguments(args, NONE);
    expect(parse).toThrow(expect.objectContaining({ code: 'KF_USAGE' }));
    expect(parse).toThrow(message);
    expect(parse).toThrow(/^[^\n]*see keyferry .*--help\)$/);
  });
});
