import { isUtf8 } from 'node:buffer';
import type { KeyState, KeyValue, StreamState } from '../core/key-state.ts';

/** A byte string as a JSON string: its text, or its base64. */
type Quote = (bytes: Buffer) => string;
type ValueOf<Type extends KeyValue['type']> = Extract<KeyValue, { readonly type: Type }>;

const asText: Quote = (bytes) => JSON.stringify(bytes.toString('utf8'));
const asBase64: Quote = (bytes) => `"${bytes.toString('base64')}"`;

/** One byte string that is not UTF-8 turns all of the value to base64, so that a reader decides once. */
const quoteFor = (parts: readonly Buffer[]): Quote => {
  for (const part of parts) if (!isUtf8(part)) return asBase64;
  return asText;
};

const opening = (type: KeyValue['type'], quote: Quote): string =>
  quote === asText ? `{"type":"${type}","value":` : `{"type":"${type}","encoding":"base64","value":`;

const evens = (parts: readonly Buffer[]): Buffer[] => parts.filter((_, at) => at % 2 === 0);

const listBody = (type: 'list' | 'set', items: readonly Buffer[]): string => {
  const quote = quoteFor(items);
  return `${opening(type, quote)}[${items.map(quote).join()}]`;
};

const hashBody = ({ entries, fieldExpireAt }: ValueOf<'hash'>): string => {
  const quote = quoteFor(entries);
  const fields = evens(entries);
  const order = [...fields.keys()].sort((a, b) => Buffer.compare(fields[a] ?? empty, fields[b] ?? empty));
  let pairs = '';
  let expiries = '';
  for (const at of order) {
    const field = quote(fields[at] ?? empty);
    pairs += `${pairs === '' ? '' : ','}${field}:${quote(entries[2 * at + 1] ?? empty)}`;
    const expiry = fieldExpireAt?.[at];
    if (expiry !== undefined) expiries += `${expiries === '' ? '' : ','}${field}:${expiry}`;
  }
  return `${opening('hash', quote)}{${pairs}}${expiries === '' ? '' : `,"fieldExpireAt":{${expiries}}`}`;
};

const empty = Buffer.alloc(0);

/** The shortest text that gives the same double again; JSON has no infinities, and JSON.stringify loses -0. */
const scoreText = (score: number): string => {
  if (score === Infinity) return '"inf"';
  if (score === -Infinity) return '"-inf"';
  return Object.is(score, -0) ? '-0' : String(score);
};

/** In the order that Redis itself keeps: by score, then by the member's bytes. */
const zsetBody = ({ entries }: ValueOf<'zset'>): string => {
  const quote = quoteFor(evens(entries));
  const scored = evens(entries).map((member, at) => {
    const text = (entries[2 * at + 1] ?? empty).toString('latin1');
    return { member, score: text === 'inf' ? Infinity : text === '-inf' ? -Infinity : Number(text) };
  });
  scored.sort((a, b) => (a.score < b.score ? -1 : a.score > b.score ? 1 : Buffer.compare(a.member, b.member)));
  const pairs = scored.map(({ member, score }) => `[${quote(member)},${scoreText(score)}]`);
  return `${opening('zset', quote)}[${pairs.join()}]`;
};

const streamBody = ({ lastId, entries, groups }: StreamState): string => {
  const quote = quoteFor([...entries.flatMap(({ fields }) => fields), ...groups.map(({ name }) => name)]);
  const entriesText = entries.map(({ id, fields }) => `["${id}",[${fields.map(quote).join()}]]`);
  const groupsText = groups
    .toSorted((a, b) => Buffer.compare(a.name, b.name))
    .map((group) => `{"name":${quote(group.name)},"lastId":"${group.lastId}"}`);
  return `${opening('stream', quote)}{"lastId":"${lastId}","entries":[${entriesText.join()}],"groups":[${groupsText.join()}]}`;
};

const bodyOf = (value: KeyValue): string => {
  switch (value.type) {
    case 'string': {
      const quote = isUtf8(value.value) ? asText : asBase64;
      return opening('string', quote) + quote(value.value);
    }
    case 'hash':
      return hashBody(value);
    case 'list':
      return listBody('list', value.items);
    case 'set':
      return listBody(
        'set',
        value.members.toSorted((a, b) => Buffer.compare(a, b)),
      );
    case 'zset':
      return zsetBody(value);
    case 'stream':
      return streamBody(value.stream);
    case 'json':
      // As Redis gave it: parsing it here would lose digits of numbers and the order of members.
      return isUtf8(value.document)
        ? opening('json', asText) + value.document.toString('utf8')
        : opening('json', asBase64) + asBase64(value.document);
    case 'dump':
      return `{"type":${JSON.stringify(value.redisType)},"dump":${asBase64(value.payload)}`;
    case 'omitted':
      return `{"type":${JSON.stringify(value.redisType)},"omitted":true,"bytes":${value.bytes}`;
  }
};

/** The JSON form of a state. It is canonical: equal states give equal bytes, whatever order Redis listed them in. */
export const encodeJsonState = ({ value, expireAt }: KeyState): Buffer =>
  Buffer.from(`${bodyOf(value)}${expireAt === undefined ? '' : `,"expireAt":${expireAt}`}}`, 'utf8');
