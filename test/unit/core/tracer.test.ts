import { describe, expect, it } from 'vitest';
import { isSampled, parseTraceContext, traceHeaders } from '../../../src/core/tracer.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const parentOf = (text: string | undefined): string | undefined => parseTraceContext(text)?.traceparent;

describe('parseTraceContext', () => {
  it('takes what the standard allows', () => {
    expect(parentOf(`00-${TRACE}-${SPAN}-01`)).toBe(`00-${TRACE}-${SPAN}-01`);
    expect(parentOf(`00-${TRACE}-${SPAN}-00`)).toBe(`00-${TRACE}-${SPAN}-00`);
  });

  it('takes of a later version what it knows, and hands nothing else on', () => {
    expect(parentOf(`01-${TRACE}-${SPAN}-01-more`)).toBe(`00-${TRACE}-${SPAN}-01`);
  });

  it.each([
    undefined,
    '',
    'traceparent',
    `ff-${TRACE}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE}-${SPAN}-01,00-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-1`,
    ` 00-${TRACE}-${SPAN}-01`,
  ])('takes %j for none', (text) => {
    expect(parseTraceContext(text)).toBeUndefined();
  });

  it('keeps the state beside it, unless there is none or it is longer than anybody must carry', () => {
    const parent = `00-${TRACE}-${SPAN}-01`;
    expect(parseTraceContext(parent, 'vendor=1')).toEqual({ traceparent: parent, tracestate: 'vendor=1' });
    expect(parseTraceContext(parent, '')).toEqual({ traceparent: parent });
    expect(parseTraceContext(parent, `v=${'x'.repeat(511)}`)).toEqual({ traceparent: parent });
  });

  it('goes with a request as it came', () => {
    const context = { traceparent: `00-${TRACE}-${SPAN}-01`, tracestate: 'vendor=1' };
    expect(traceHeaders(context)).toEqual(context);
    expect(traceHeaders({ traceparent: context.traceparent })).toEqual({ traceparent: context.traceparent });
  });
});

describe('isSampled', () => {
  it.each([
    ['00', false],
    ['01', true],
    ['02', false],
    ['03', true],
  ])('is what the last bit of the flags %s says', (flags, sampled) => {
    expect(isSampled({ traceparent: `00-${TRACE}-${SPAN}-${flags}` })).toBe(sampled);
  });
});
