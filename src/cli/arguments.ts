import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { KeyferryError, messageOf } from '../core/errors.ts';

interface Command {
  readonly summary: string;
  readonly description: string;
  /** Options of its own, as lines of the help. */
  readonly options: readonly string[];
}

const COMMANDS = {
  run: {
    summary: 'Ferry changes until told to stop.',
    description:
      'Runs the sources and sinks of the configuration. Waits for Redis and Kafka.\nSIGTERM and SIGINT drain: what is in flight is published and committed, within\n25 s; a second signal ends at once.\nOn a terminal, a line below the log tells how things stand each second: the\nstate, records per second, the slowest hundredth (p99), keys that wait\n(pending), records that wait (lag), open gaps. `log.format: json` leaves it out.',
    options: [],
  },
  check: {
    summary: 'Try the configuration on the servers, without changing anything.',
    description: 'Names every problem at once, with what to do. Exit status 1 when something\nfails.',
    options: [],
  },
  verify: {
    summary: 'Compare Redis with the topics.',
    description:
      'Prints the keys that the topics of the sources lack, hold differently, or hold\nalthough Redis has them no more. Exit status 1 when there are any. A key that\njust changes is looked at again before it is told.',
    options: ['--limit N        Keys printed of each kind; all are counted. Default: 20'],
  },
  config: {
    summary: 'Print the configuration that is in effect, secrets hidden.',
    description: 'YAML, with all defaults and the environment filled in.',
    options: [],
  },
} satisfies Record<string, Command>;

export type CommandName = keyof typeof COMMANDS;

export type Invocation =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' }
  | {
      readonly kind: 'command';
      readonly command: CommandName;
      readonly configFile: string;
      /** Keys that verify prints of each kind. */
      readonly limit: number;
    };

const DEFAULT_LIMIT = 20;
const OPTIONS = {
  config: { type: 'string', short: 'c' },
  limit: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const satisfies ParseArgsOptionsConfig;

const COMMON_OPTIONS = ['--config FILE    The configuration (or KEYFERRY_CONFIG)', '--help           Show this help'];

const isCommand = (name: string): name is CommandName => Object.hasOwn(COMMANDS, name);

const list = (lines: readonly string[]): string => lines.map((line) => `  ${line}`).join('\n');

const HELP = `Keyferry ferries changes between Redis and Kafka, both ways.

Usage: keyferry COMMAND --config FILE

Commands:
${list(Object.entries(COMMANDS).map(([name, { summary }]) => name.padEnd(9) + summary))}

Options:
${list([...COMMON_OPTIONS, '--version        Show the version'])}

\`keyferry COMMAND --help\` tells more.

Exit status: 0 fine; 1 the check failed or drift was found; 2 unusable arguments
or configuration; 3 a dependency stayed out of reach.`;

const helpOf = (name: CommandName): string => {
  const { summary, description, options }: Command = COMMANDS[name];
  const usage = ['', ...options.map((option) => `[${option.split('  ')[0] ?? ''}]`)].join(' ');
  return `Usage: keyferry ${name} --config FILE${usage}

${summary}
${description}

Options:
${list([...COMMON_OPTIONS, ...options])}`;
};

/**
 * @param args what stands behind the program's name.
 * @throws KF_USAGE
 */
export const parseArguments = (
  args: readonly string[],
  environment: { readonly KEYFERRY_CONFIG?: string },
): Invocation => {
  const { values, positionals } = parsed(args);
  const [name, ...rest] = positionals;
  if (values.version === true) return { kind: 'version' };
  if (name === undefined && values.help === true) return { kind: 'help', text: HELP };
  if (name === undefined) throw usage('no command is given');
  if (!isCommand(name)) throw usage(`${name} is no command`);
  if (values.help === true) return { kind: 'help', text: helpOf(name) };
  if (rest.length > 0) throw usage(`${rest.join(' ')} is one argument too many`, name);
  if (values.limit !== undefined && name !== 'verify') throw usage('--limit belongs to verify', name);
  const configFile = values.config ?? environment.KEYFERRY_CONFIG ?? '';
  if (configFile === '') throw usage('no configuration is given: write --config FILE, or set KEYFERRY_CONFIG', name);
  return { kind: 'command', command: name, configFile, limit: limitOf(values.limit) };
};

const parsed = (args: readonly string[]) => {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, strict: true });
  } catch (error) {
    throw usage(messageOf(error).replace(/\. To specify a positional.*$/s, ''));
  }
};

const limitOf = (text: string | undefined): number => {
  if (text === undefined) return DEFAULT_LIMIT;
  if (!/^\d{1,9}$/.test(text)) throw usage(`--limit must be a number, not ${text}`, 'verify');
  return Number(text);
};

const usage = (what: string, command?: CommandName): KeyferryError => {
  const commands = Object.keys(COMMANDS).join(', ');
  const advice =
    command === undefined ? `commands are ${commands}; see keyferry --help` : `see keyferry ${command} --help`;
  return new KeyferryError('KF_USAGE', `${what} (${advice})`);
};
