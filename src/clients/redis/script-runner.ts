import { createHash } from 'node:crypto';
import { isKeyferryError } from '../../core/errors.ts';
import type { RedisArgument, RedisCommand, RedisReply, RedisScript } from './port.ts';

export interface ScriptCall {
  readonly keys: readonly Buffer[];
  readonly args: readonly RedisArgument[];
}

type Replies = readonly (RedisReply | Error)[];
type Send = (commands: readonly RedisCommand[]) => Promise<Replies>;

/** Runs scripts by their digests; a server that does not know one gets it in full. */
export class ScriptRunner {
  readonly #send: Send;
  /** EVAL_RO came with Redis 7; a server that lacks it says so once. */
  #hasReadOnly = true;

  /** @param send as RedisConnection.pipeline. */
  constructor(send: Send) {
    this.#send = send;
  }

  /** One reply for each call, errors in their places. @throws as `send` does. */
  async run(script: RedisScript, calls: readonly ScriptCall[]): Promise<Replies> {
    const suffix = script.readOnly && this.#hasReadOnly ? '_RO' : '';
    const digest = digestOf(script);
    const replies = [...(await this.#send(calls.map((call) => command(`EVALSHA${suffix}`, digest, call))))];
    await repeat(calls, replies, 'NOSCRIPT', (again) =>
      this.#send(again.map((call) => command(`EVAL${suffix}`, script.lua, call))),
    );
    if (suffix === '') return replies;
    await repeat(calls, replies, 'ERR unknown command', (again) => {
      this.#hasReadOnly = false;
      return this.run(script, again);
    });
    return replies;
  }
}

const command = (name: string, body: string, { keys, args }: ScriptCall): RedisCommand => [
  name,
  body,
  keys.length,
  ...keys,
  ...args,
];

/** Runs the calls again that were refused with these words; the new replies take the place of the old. */
const repeat = async (
  calls: readonly ScriptCall[],
  replies: (RedisReply | Error)[],
  words: string,
  run: (again: readonly ScriptCall[]) => Promise<Replies>,
): Promise<void> => {
  const places = [...replies.keys()].filter((at) => isRefusedWith(replies[at], words));
  if (places.length === 0) return;
  const again = await run(calls.filter((_, at) => isRefusedWith(replies[at], words)));
  for (const [at, place] of places.entries()) replies[place] = again[at] ?? null;
};

/** Whether Redis refused with words that begin so. */
export const isRefusedWith = (error: unknown, words: string): error is Error =>
  isKeyferryError(error) && error.message.includes(`: ${words}`);

const digests = new WeakMap<RedisScript, string>();
const digestOf = (script: RedisScript): string => {
  const known = digests.get(script);
  if (known !== undefined) return known;
  const digest = createHash('sha1').update(script.lua).digest('hex');
  digests.set(script, digest);
  return digest;
};
