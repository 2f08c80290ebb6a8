/** Server-sent events by fetch: unlike EventSource it can send a token in a header, and tells why it was refused. */

/** One event is far smaller; a server that never ends a line is none of ours. */
const MAX_EVENT_CHARACTERS = 16_000_000;

/**
 * @param {ReadableStream<Uint8Array<ArrayBuffer>>} body
 * @returns {AsyncGenerator<{ event: string, data: string }>}
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export async function* readEvents(body) {
  let rest = '';
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).replaceAll('\r\n', '\n').split('\n\n');
    rest = blocks.pop() ?? '';
    if (rest.length > MAX_EVENT_CHARACTERS) throw new Error('an event has no end');
    for (const block of blocks) {
      const found = parse(block);
      if (found.data !== '') yield found;
    }
  }
}

/** @param {string} block the lines of one event */
const parse = (block) => {
  let event = 'message';
  const data = [];
  for (const line of block.split('\n')) {
    const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    if (field === 'event') event = value ?? '';
    else if (field === 'data') data.push(value);
  }
  return { event, data: data.join('\n') };
};
