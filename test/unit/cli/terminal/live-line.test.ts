import { describe, expect, it } from 'vitest';
import { LiveLine } from '../../../../src/cli/terminal/live-line.ts';
import { shownOn } from '../../../support/terminal.ts';

const fixture = ({ columns = 40, hasColours = false } = {}) => {
  const terminal = { columns, isStuck: false, writes: [] as string[] };
  const line = new LiveLine({
    write: (text) => {
      terminal.writes.push(text);
    },
    isStuck: () => terminal.isStuck,
    columns: () => terminal.columns,
    hasColours,
  });
  const screen = () => shownOn(terminal.columns || 80, terminal.writes.join(''));
  return { terminal, line, screen };
};

describe('the line below the log', () => {
  it('is drawn in its place', () => {
    const { line, screen } = fixture();
    line.show([{ text: 'a longer one', style: 'green' }, { text: ' 1/s' }]);
    line.show([{ text: 'short' }]);
    expect(screen()).toEqual(['short']);
  });

  it('lets the log pass above it, each time in one write', () => {
    const { terminal, line, screen } = fixture();
    line.show([{ text: 'in sync' }]);
    line.print('first\n');
    line.print('second\n');
    expect(screen()).toEqual(['first', 'second', 'in sync']);
    expect(terminal.writes).toHaveLength(3);
  });

  it('is out of the way of what goes to another stream of the same terminal', () => {
    const { terminal, line, screen } = fixture();
    line.show([{ text: 'in sync' }]);
    line.around(() => terminal.writes.push('keyferry: draining\n'));
    expect(screen()).toEqual(['keyferry: draining', 'in sync']);
  });

  it('is as long as the terminal is wide, and no longer', () => {
    const { terminal, line, screen } = fixture({ columns: 10 });
    line.show([{ text: 'in sync' }, { text: '  12/s' }]);
    expect(screen()).toEqual(['in sync  ']);
    terminal.columns = 4;
    line.draw();
    expect(screen().at(-1)).toBe('in ');
    terminal.columns = 1;
    line.draw();
    expect(screen().at(-1)).toBe('');
    terminal.columns = 0;
    line.draw();
    expect(screen().at(-1)).toBe('in sync  12/s');
  });

  it('counts two columns for what may take two, and shows no control characters', () => {
    const { line, screen } = fixture({ columns: 8 });
    line.show([{ text: 'a\u001b[2Jb\n' }]);
    expect(screen()).toEqual(['a?[2Jb?']);
    line.show([{ text: '鍵鍵鍵鍵' }]);
    expect(screen()).toEqual(['鍵鍵鍵']);
  });

  it('is not drawn on a terminal that stands still', () => {
    const { terminal, line, screen } = fixture();
    line.show([{ text: 'in sync' }]);
    terminal.isStuck = true;
    for (let at = 0; at < 1_000; at += 1) line.show([{ text: `state ${at}` }]);
    expect(terminal.writes).toHaveLength(1);
    terminal.isStuck = false;
    line.draw();
    expect(screen()).toEqual(['state 999']);
  });

  it('has colours where the terminal has them', () => {
    const plain = fixture();
    const coloured = fixture({ hasColours: true });
    for (const { line } of [plain, coloured]) line.show([{ text: 'in sync', style: 'green' }]);
    expect(plain.terminal.writes.join('')).not.toContain('\u001b[32m');
    expect(coloured.terminal.writes.join('')).toContain('\u001b[32min sync\u001b[39m');
  });

  it('leaves nothing behind, and the log goes on without it', () => {
    const { line, screen } = fixture();
    line.show([{ text: 'in sync' }]);
    line.close();
    line.print('the end\n');
    line.show([{ text: 'too late' }]);
    line.draw();
    line.close();
    expect(screen()).toEqual(['the end', '']);
  });
});
