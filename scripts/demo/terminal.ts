import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Coloured where the terminal shows it (and NO_COLOR is not set). */
export const paint = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout });

export const print = (line = ''): void => {
  process.stdout.write(`${line}\n`);
};

/** What happens behind the scenes. */
export const say = (text: string): void => {
  print(paint('dim', `· ${text}`));
};

export const milliseconds = (ms: number): string => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;

/** Cut or filled up to a width. */
export const column = (text: string, width: number): string =>
  text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
