import { describe, expect, it } from 'vitest';
import { parseCommand, parseCommands, parsePath } from '../../../src/rest/redis-rest/parse-request.ts';

const command = (json: string) => parseCommand(Buffer.from(json));
const shown = ({ name, args }: ReturnType<typeof parsePath>) => [name, ...args.map((arg) => arg.toString('latin1'))];
const path = (text: string, body?: Buffer) => shown(parsePath(text, body));

describe('a command as JSON', () => {
  it('has its name in capitals and its arguments as text', () => {
    expect(command('["zAdd","k",1,true,false,"",-0]')).toEqual({
      name: 'ZADD',
      args: ['k', '1', 'true', 'false', '', '0'],
    });
  });

  it.each(['9007199254740993', '-9223372036854775808', '1.10', '1e21', '0.1', '1E-7'])(
    'keeps the number %s as it was written',
    (number) => {
      expect(command(`["SET","k",${number}]`).args).toEqual(['k', number]);
      expect(parseCommands(Buffer.from(`[["SET","k",${number}],["GET","k"]]`))[0]?.args).toEqual(['k', number]);
    },
  );

  it('keeps text that JSON escapes', () => {
    expect(command('["SET","\\u00e9","\\ud83d\\ude00\\u0000"]').args).toEqual(['é', '😀\0']);
  });

  it.each(['["GET FOO"]', '["G\\nET"]', '[1]', '[null]', `["${'A'.repeat(65)}"]`])('refuses the name in %s', (json) => {
    expect(() => command(json)).toThrow('the body does not begin with the name of a command');
  });
});

describe('a command as a path', () => {
  it('decodes each segment to bytes, after splitting', () => {
    expect(path('set/a%2Fb/%E2%82%AC%ff%00')).toEqual(['SET', 'a/b', '\xe2\x82\xac\xff\0']);
  });

  it('puts the body between the path and the query', () => {
    expect(path('set/k?EX=10&NX&KEEP=', Buffer.from('v'))).toEqual(['SET', 'k', 'v', 'EX', '10', 'NX', 'KEEP']);
  });

  it('takes an empty segment for an empty argument, and an empty body for none', () => {
    expect(path('append/k/', Buffer.alloc(0))).toEqual(['APPEND', 'k', '']);
  });

  it('reads the query as forms are written', () => {
    expect(path('set/k/v?a+b=c%2Bd')).toEqual(['SET', 'k', 'v', 'a b', 'c+d']);
  });
});
