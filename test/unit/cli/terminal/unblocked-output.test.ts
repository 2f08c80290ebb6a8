import { describe, expect, it } from 'vitest';
import { UnblockedOutput } from '../../../../src/cli/terminal/unblocked-output.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const fixture = () => {
  const clock = new FakeClock();
  const terminal = { room: Infinity, text: '' };
  const take = (bytes: Buffer): number => {
    const part = bytes.subarray(0, Math.min(terminal.room, bytes.length));
    terminal.room -= part.length;
    terminal.text += part.toString();
    return part.length;
  };
  return { clock, terminal, output: new UnblockedOutput({ take, clock }) };
};

describe('output to a terminal', () => {
  it('comes at once where there is room', () => {
    const { terminal, output } = fixture();
    output.write('one\n');
    output.write('two\n');
    expect([terminal.text, output.isStuck]).toEqual(['one\ntwo\n', false]);
  });

  it('waits for a terminal that stands still, and comes whole and in order once it goes on', async () => {
    const { clock, terminal, output } = fixture();
    terminal.room = 2;
    output.write('one\n');
    output.write('two\n');
    await clock.advance(5_000);
    expect([terminal.text, output.isStuck]).toEqual(['on', true]);
    terminal.room = 3;
    await clock.advance(100);
    expect(terminal.text).toBe('one\nt');
    terminal.room = Infinity;
    await clock.advance(100);
    expect([terminal.text, output.isStuck]).toEqual(['one\ntwo\n', false]);
  });

  it('takes no more memory than its bound, and says what is missing', async () => {
    const { clock, terminal, output } = fixture();
    terminal.room = 0;
    const line = `${'x'.repeat(999)}\n`;
    for (let at = 0; at < 1_500; at += 1) output.write(line);
    terminal.room = Infinity;
    await clock.advance(100);
    expect(terminal.text).toBe(`${line.repeat(1_000)}\r\n(500 lines not shown here: the terminal stood still)\r\n`);
    output.write('on\n');
    expect(terminal.text.endsWith('still)\r\non\n')).toBe(true);
  });
});
