/** An argument of a command. Strings travel as UTF-8, bytes as they are. */
export type Argument = string | number | bigint | Uint8Array;
/** A Redis command: `['SET', 'key', 'value']`. */
export type Command = readonly [name: string, ...args: Argument[]];

/** What goes to the server. */
export interface RestRequest {
  /** Behind the server's URL. */
  readonly path: string;
  readonly body: string | Uint8Array<ArrayBuffer> | undefined;
}

/** One command: as JSON, or as a path where it holds bytes. @throws TypeError for one that no path can hold */
export const commandRequest = (command: Command): RestRequest =>
  command.some(isBytes) ? pathRequest(command) : { path: '/redis', body: JSON.stringify(command.map(String)) };

/** @throws TypeError where a command holds bytes: JSON has none. */
export const manyRequest = (kind: 'pipeline' | 'multi-exec', commands: readonly Command[]): RestRequest => {
  if (commands.some((command) => command.some(isBytes))) {
    throw new TypeError('a command with bytes among its arguments travels alone: JSON holds text only');
  }
  return { path: `/redis/${kind}`, body: JSON.stringify(commands.map((command) => command.map(String))) };
};

const isBytes = (argument: Argument): argument is Uint8Array => argument instanceof Uint8Array;

/**
 * Arguments in the path, percent-encoded, except for the largest one, which is the body: what stands behind the body is
 * the query.
 */
const pathRequest = (command: Command): RestRequest => {
  const args = command.map((argument) => (isBytes(argument) ? Buffer.from(argument) : Buffer.from(String(argument))));
  const at = bodyOf(args);
  const segments = args.slice(0, at).map(percentEncoded);
  // Encoded or not, a URL's own rules take them for steps between folders.
  if (segments.some((segment) => segment === '.' || segment === '..')) {
    throw new TypeError('"." and ".." cannot be arguments of a command that has bytes among its arguments');
  }
  const path = `/redis/${segments.join('/')}`;
  const body = args[at];
  if (body === undefined) return { path, body: undefined };
  const query = args
    .slice(at + 1)
    .map(percentEncoded)
    .join('&');
  return { path: query === '' ? path : `${path}?${query}`, body: new Uint8Array(body) };
};

/** The index of the largest argument. An empty one can neither be the body nor stand in the query. */
const bodyOf = (args: readonly Buffer[]): number => {
  const first = args.findLastIndex((argument) => argument.length === 0) + 1;
  let largest = Math.max(first, 1);
  for (let at = largest + 1; at < args.length; at += 1) {
    if ((args[at]?.length ?? 0) > (args[largest]?.length ?? 0)) largest = at;
  }
  return largest;
};

const percentEncoded = (bytes: Buffer): string =>
  bytes
    .toString('latin1')
    .replace(/[^A-Za-z0-9._~-]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
