import { styleText } from 'node:util';

/** A terminal that can move its cursor. */
export interface Terminal {
  readonly write: (text: string) => void;
  /** Whether it stands still: then a line that is drawn anew each second need not be. */
  readonly isStuck: () => boolean;
  /** Its width now; 0: unknown. */
  readonly columns: () => number;
  readonly hasColours: boolean;
}

export interface Segment {
  readonly text: string;
  readonly style?: 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan' | undefined;
}

const CLEAR = '\r\x1b[2K';
const USUAL_COLUMNS = 80;
/** A terminal would take it for a command, or for another line. */
const UNPRINTABLE = /\p{C}/gu;
const WIDE = /[^\x20-\x7e]/g;

/**
 * One line at the bottom of a terminal that is drawn anew in its place. Whatever else is printed there goes through here:
 * it comes above the line, whole.
 */
export class LiveLine {
  readonly #terminal: Terminal;
  #segments: readonly Segment[] = [];
  #isClosed = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(segments: readonly Segment[]): void {
    if (this.#isClosed) return;
    this.#segments = segments;
    this.draw();
  }

  /** Draws it once more, as wide as the terminal is now. */
  draw(): void {
    if (!this.#isClosed && !this.#terminal.isStuck()) this.#terminal.write(CLEAR + this.#line());
  }

  /** @param text ends in a line break. In one write with the line, so that nothing comes between. */
  print(text: string): void {
    this.#terminal.write(this.#isClosed ? text : CLEAR + text + this.#line());
  }

  /** Prints to another stream, which may be the same terminal. */
  around(print: () => void): void {
    if (!this.#isClosed) this.#terminal.write(CLEAR);
    print();
    this.draw();
  }

  /** Takes the line away. */
  close(): void {
    if (!this.#isClosed) this.#terminal.write(CLEAR);
    this.#isClosed = true;
  }

  /** Cut to the width of the terminal; its last column stays empty, where a cursor would wrap. */
  #line(): string {
    const { columns, hasColours } = this.#terminal;
    let room = (columns() || USUAL_COLUMNS) - 1;
    let line = '';
    for (const { text, style } of this.#segments) {
      const part = cut(text.replace(UNPRINTABLE, '?'), room);
      room -= widthOf(part);
      line += hasColours && style !== undefined ? styleText(style, part, { validateStream: false }) : part;
    }
    return line;
  }
}

/** Columns at most: what is not ASCII may take two. */
const widthOf = (text: string): number => text.length + (text.match(WIDE)?.length ?? 0);

const cut = (text: string, room: number): string => {
  if (widthOf(text) <= room) return text;
  let part = '';
  let left = room;
  for (const character of text) {
    left -= widthOf(character);
    if (left < 0) break;
    part += character;
  }
  return part;
};
