import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { stripVTControlCharacters } from 'node:util';
import { eventually } from './eventually.ts';

const ESCAPE = '\u001b';
/** A command to the terminal, or a character. */
const PIECES = new RegExp(`${ESCAPE}\\[[\\d;]*[A-Za-z]|[^]`, 'g');

/** How a terminal of so many columns shows what was written to it; it knows what the tests need: line breaks and erasing. */
export const shownOn = (columns: number, written: string): readonly string[] => {
  const rows = [''];
  let column = 0;
  for (const [piece] of written.matchAll(PIECES)) {
    if (piece === '\n') {
      // The kernel puts a carriage return before it.
      rows.push('');
      column = 0;
    } else if (piece === '\r') column = 0;
    else if (piece === `${ESCAPE}[2K`) rows[rows.length - 1] = '';
    else if (!piece.startsWith(ESCAPE)) {
      if (column >= columns) {
        rows.push('');
        column = 0;
      }
      const row = (rows.at(-1) ?? '').padEnd(column);
      rows[rows.length - 1] = row.slice(0, column) + piece + row.slice(column + 1);
      column += 1;
    }
  }
  return rows;
};

const quoted = (argument: string): string => `'${argument.replaceAll("'", `'\\''`)}'`;

/** A process on a terminal of its own, a real one of the kernel's (script of util-linux, which Debian always has). */
export class TerminalProcess {
  readonly #child: ChildProcess;
  readonly ended: Promise<number | null>;
  #written = '';

  /** @param redirect of the shell, such as `2>file`. */
  constructor(
    command: readonly string[],
    options: { readonly columns: number; readonly env?: Readonly<Record<string, string>>; readonly redirect?: string },
  ) {
    const { columns, env = {}, redirect = '' } = options;
    // noflsh: else Ctrl-C would throw away what was written and not read yet.
    const run = `tty; stty cols ${columns} rows 24 noflsh; exec ${command.map(quoted).join(' ')} ${redirect}`;
    const bare = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^(KEYFERRY_.*|NO_COLOR|FORCE_COLOR|CI)$/.test(name)),
    );
    this.#child = spawn('script', ['-qfec', run, '/dev/null'], {
      env: { ...bare, TERM: 'xterm', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.ended = once(this.#child, 'close').then(() => this.#child.exitCode);
    this.#child.stdout?.on('data', (chunk: Buffer) => (this.#written += chunk.toString()));
  }

  /** What the process wrote, without the line that names the terminal. */
  get written(): string {
    return this.#written.slice(this.#written.indexOf('\n') + 1);
  }
  get plain(): string {
    return stripVTControlCharacters(this.written);
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** The window is made wider or narrower. */
  resize(columns: number): void {
    const [terminal = ''] = this.#written.split('\r\n');
    const { status, stderr } = spawnSync('stty', ['-F', terminal, 'cols', String(columns)], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
  }

  async shows(text: string | RegExp): Promise<void> {
    const holds = (): boolean => (typeof text === 'string' ? this.plain.includes(text) : text.test(this.plain));
    await eventually(holds, { what: `the terminal to show ${String(text)}`, timeoutMs: 180_000 }).catch(
      (error: unknown) => {
        throw new Error(`${String(error)}; it shows:\n${this.plain.slice(-3_000)}`, { cause: error });
      },
    );
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
