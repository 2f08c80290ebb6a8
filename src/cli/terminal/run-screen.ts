import type { Screen } from '../../app/screen.ts';
import type { LiveLine } from './live-line.ts';
import { runLine } from './run-line.ts';

/** The log, and below it one line that tells how things stand. */
export const runScreen = (line: LiveLine): Screen => ({
  print: (text) => {
    line.print(text);
  },
  show: (status) => {
    line.show(runLine(status));
  },
});
