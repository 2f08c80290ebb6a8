import { isUtf8 } from 'node:buffer';
import { RestFailure } from './failure.ts';
import { percentDecoded } from './percent.ts';

/** A command as it was asked for: its name in capitals. */
export interface RestCommand {
  readonly name: string;
  readonly args: readonly (string | Buffer)[];
}

const MAX_NAME_LENGTH = 64;

/** `["SET","key","value"]`. @throws RestFailure */
export const parseCommand = (body: Buffer): RestCommand => commandOf(parseJson(body), 'the body');

/** `[["SET","key","value"],["GET","key"]]`. @throws RestFailure */
export const parseCommands = (body: Buffer): readonly RestCommand[] => {
  const commands = parseJson(body);
  if (!Array.isArray(commands) || commands.length === 0) {
    throw new RestFailure('ERR', 'the body is not an array of commands: [["SET","key","value"],["GET","key"]]');
  }
  return commands.map((command, at) => commandOf(command, `command ${at + 1}`));
};

/**
 * `set/key/value?EX=60`: the segments of a path, then the body, then the query, are the arguments; any bytes may stand
 * there, percent-encoded.
 * @throws RestFailure
 */
export const parsePath = (pathAndQuery: string, body: Buffer | undefined): RestCommand => {
  const [path = '', query] = splitOnce(pathAndQuery, '?');
  const [name, ...args] = path.split('/').map(percentDecoded);
  const options = query === undefined || query === '' ? [] : query.split('&').flatMap(optionOf);
  const value = body === undefined || body.length === 0 ? [] : [body];
  return { name: nameOf(name?.toString('latin1'), 'the path'), args: [...args, ...value, ...options] };
};

const parseJson = (body: Buffer): unknown => {
  if (!isUtf8(body)) throw new RestFailure('ERR', 'the body is not UTF-8; POST /redis/set/key takes any bytes');
  const text = body.toString();
  try {
    const parsed: unknown = JSON.parse(text);
    return isExact(parsed) ? parsed : JSON.parse(text, keepDigits);
  } catch {
    throw new RestFailure('ERR', 'the body is not JSON: ["SET","key","value"] is expected');
  }
};

/** Whether all numbers in it stand for what was written. */
const isExact = (parsed: unknown): boolean =>
  Array.isArray(parsed) ? parsed.every(isExact) : typeof parsed !== 'number' || Number.isSafeInteger(parsed);

const keepDigits = (_name: string, value: unknown, context?: { readonly source?: string }): unknown =>
  typeof value === 'number' ? (context?.source ?? value) : value;

const commandOf = (parsed: unknown, where: string): RestCommand => {
  if (!Array.isArray(parsed) || parsed.length === 0) {
    throw new RestFailure('ERR', `${where} is not a command, an array of its name and arguments: ["GET","key"]`);
  }
  const [name, ...args] = parsed as unknown[];
  return { name: nameOf(name, where), args: args.map((arg, at) => argumentOf(arg, `argument ${at + 1} of ${where}`)) };
};

const nameOf = (name: unknown, where: string): string => {
  if (typeof name !== 'string' || !/^[\w.-]+$/.test(name) || name.length > MAX_NAME_LENGTH) {
    throw new RestFailure('ERR', `${where} does not begin with the name of a command`);
  }
  return name.toUpperCase();
};

const argumentOf = (value: unknown, where: string): string => {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') {
    const what = value === null ? 'null' : Array.isArray(value) ? 'an array' : 'an object';
    throw new RestFailure('ERR', `${where} is ${what}: arguments are strings, numbers and booleans`);
  }
  if (!value.isWellFormed()) throw new RestFailure('ERR', `${where} holds half of a surrogate pair, which is no text`);
  return value;
};

const splitOnce = (text: string, mark: string): readonly string[] => {
  const at = text.indexOf(mark);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
};

const optionOf = (option: string): readonly Buffer[] => {
  const [name = '', value = ''] = splitOnce(option, '=');
  if (name === '_token') {
    throw new RestFailure('NOAUTH', 'a token in a URL ends up in logs: send it as `Authorization: Bearer ...`');
  }
  return [name, value].filter((part) => part !== '').map((part) => percentDecoded(part.replaceAll('+', '%20')));
};
