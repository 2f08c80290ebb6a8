import { KeyferryError, isKeyferryError, messageOf } from '../../core/errors.ts';

/**
 * Refusals that pass by themselves: the server loads, fails over, gives slots away, is busy, or is short of memory, disk
 * or replicas.
 */
const TRANSIENT = new Set([
  'LOADING',
  'READONLY',
  'MASTERDOWN',
  'CLUSTERDOWN',
  'MOVED',
  'ASK',
  'BUSY',
  'UNKILLABLE',
  'TRYAGAIN',
  'OOM',
  'MISCONF',
  'NOREPLICAS',
]);
const AUTH = new Set(['WRONGPASS', 'NOAUTH']);
/** So begin others of them: no connection is left; who waited at a master that became a replica is sent away. */
const PASSING = ['ERR max number of clients', 'UNBLOCKED force unblock from blocking operation'];
/** So says a script, whose key went to another node of the cluster, or whose cluster is down. */
const NOT_HERE = /cript attempted to (access a non local key|execute a (write )?command while the cluster is down)/;
/** Before Redis 7 the error of a script's command comes behind where in the script it was, and maybe with a minus. */
const PLACE_IN_SCRIPT = /^(?:ERR Error running script \(call to f_[0-9a-f]+\): )?(?:@user_script: ?\d+: )+-?/;
/** So it is said of a command of a script, up to Redis 7.0 and since 7.2, with no code of its own. */
const NOT_PERMITTED_IN_SCRIPT = /The user executing the script can't|^ERR ACL failure in script/;

/**
 * Redis' words as a KeyferryError. The arguments that Redis quotes for an unknown command are cut off: they may be
 * values. For the same reason the client library's own error, which carries the command's arguments, is not the cause.
 * @param what the command, for people: `EVALSHA`.
 */
export const refusal = (what: string, reply: string): KeyferryError => {
  const words = reply
    .replace(PLACE_IN_SCRIPT, '')
    .replace(/, with args beginning with:.*$/s, '')
    .trimEnd();
  const token = words.split(' ', 1)[0] ?? '';
  const message = `Redis refused ${what}: ${words}`;
  if (TRANSIENT.has(token) || PASSING.some((beginning) => words.startsWith(beginning)) || NOT_HERE.test(words)) {
    return new KeyferryError('KF_REDIS_UNAVAILABLE', message);
  }
  if (AUTH.has(token)) return new KeyferryError('KF_REDIS_AUTH', message);
  if (token === 'NOPERM' || NOT_PERMITTED_IN_SCRIPT.test(words))
    return new KeyferryError('KF_REDIS_PERMISSION', message);
  return new KeyferryError('KF_REDIS_REFUSED', message);
};

/** Redis' own words in the error of a call; undefined where the connection broke and Redis said nothing. */
export const wordsOfRedis = (error: KeyferryError): string | undefined =>
  /^Redis refused [^:]*: (.*)$/s.exec(error.message)?.[1];

/** Whatever a call may fail with, as a KeyferryError. What is not Redis' own answer is a connection that broke. */
export const toKeyferryError = (what: string, error: unknown, address: string): KeyferryError => {
  if (isKeyferryError(error)) return error;
  if (error instanceof Error && error.name === 'ReplyError') return refusal(what, error.message);
  return unavailable(address, error);
};

export const unavailable = (address: string, reason: unknown): KeyferryError =>
  new KeyferryError('KF_REDIS_UNAVAILABLE', `Redis at ${address} is away: ${reasonOf(reason)}`);

/** An attempt on several addresses fails with an AggregateError, whose message is empty. */
const reasonOf = (reason: unknown): string => {
  const message = messageOf(reason);
  return message === '' && reason instanceof Error && 'code' in reason ? String(reason.code) : message;
};
