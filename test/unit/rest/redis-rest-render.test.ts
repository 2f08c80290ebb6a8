import { describe, expect, it } from 'vitest';
import { isText, renderResult } from '../../../src/rest/redis-rest/render-reply.ts';

const bytes = (text: string): Buffer => Buffer.from(text);

describe('a reply', () => {
  it.each([
    [null, '{"result":null}'],
    ['7', '{"result":7}'],
    ['-9007199254740991', '{"result":-9007199254740991}'],
    ['9007199254740993', '{"result":"9007199254740993"}'],
    [bytes('grün "x"\n'), '{"result":"grün \\"x\\"\\n"}'],
    [[bytes('a'), null, ['1', [bytes('')]]], '{"result":["a",null,[1,[""]]]}'],
    [[], '{"result":[]}'],
    [new Error('WRONGTYPE no'), '{"error":"WRONGTYPE no"}'],
    [[new Error('ERR inner')], '{"result":[{"error":"ERR inner"}]}'],
  ])('%j as text is %s', (reply, json) => {
    expect(renderResult(reply, 'text')).toBe(json);
  });

  it.each([
    [bytes('OK'), '{"result":"OK"}'],
    [[bytes('OK')], '{"result":["T0s="]}'],
    [bytes('a'), '{"result":"YQ=="}'],
    ['7', '{"result":7}'],
    ['9007199254740993', '{"result":"OTAwNzE5OTI1NDc0MDk5Mw=="}'],
    [new Error('ERR as it is'), '{"error":"ERR as it is"}'],
  ])('%j in base64 is %s', (reply, json) => {
    expect(renderResult(reply, 'base64')).toBe(json);
  });

  it('is text only where all of it is UTF-8', () => {
    expect(isText([bytes('a'), [bytes('ü')], '1', null, new Error('x')])).toBe(true);
    expect(isText([bytes('a'), [Buffer.from([0xff])]])).toBe(false);
  });
});
