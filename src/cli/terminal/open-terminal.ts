import { constants, openSync, writeSync } from 'node:fs';
import type { WriteStream } from 'node:tty';
import type { Clock } from '../../core/clock.ts';
import type { Terminal } from './live-line.ts';
import { UnblockedOutput } from './unblocked-output.ts';

/**
 * The terminal behind a stream. It is opened once more, for us alone: what the stream writes waits for a terminal that stands
 * still, and the whole process with it. Where it cannot be opened so, the stream has to do.
 */
export const openTerminal = (stream: WriteStream & { readonly fd: number }, clock: Clock): Terminal => ({
  ...(unblocked(stream.fd, clock) ?? { write: (text) => stream.write(text), isStuck: () => false }),
  columns: () => stream.columns,
  hasColours: stream.hasColors(),
});

/** undefined: it is not to be had, as where there is no /proc, or the terminal is another user's. */
const unblocked = (stream: number, clock: Clock): Pick<Terminal, 'write' | 'isStuck'> | undefined => {
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
  let file: number;
  try {
    file = openSync(`/proc/self/fd/${stream}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
  } catch {
    return undefined;
  }
  const output = new UnblockedOutput({ take: (bytes) => take(file, bytes), clock });
  return {
    write: (text) => {
      output.write(text);
    },
    isStuck: () => output.isStuck,
  };
};

const take = (file: number, bytes: Buffer): number => {
  try {
    return writeSync(file, bytes);
  } catch (error) {
    // Any other error means that the terminal has gone, and with it who would read.
    return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? 0 : bytes.length;
  }
};
