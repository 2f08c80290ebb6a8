import { isKeyferryError, messageOf } from '../../core/errors.ts';
import { isOutOfReach } from '../exit-status.ts';

/** One thing that a check found out. */
export interface Finding {
  readonly level: 'ok' | 'warn' | 'FAIL';
  /** What it is about: `redis 127.0.0.1:6379`, `topic redis.0`. */
  readonly subject: string;
  readonly what: string;
  /** What the operator can do. */
  readonly todo?: string;
  /** A dependency did not answer, or let nobody in: nothing else could be found out about it. */
  readonly outOfReach?: true;
}

export const ok = (subject: string, what: string): Finding => ({ level: 'ok', subject, what });
export const warn = (subject: string, what: string, todo: string): Finding => ({ level: 'warn', subject, what, todo });
export const fail = (subject: string, what: string, todo: string): Finding => ({ level: 'FAIL', subject, what, todo });

/** What an error says about a subject; `todo` unless the dependency is out of reach, which has its own. */
export const failure = (subject: string, error: unknown, todo: string): Finding => {
  if (isOutOfReach(error)) return { ...fail(subject, messageOf(error), adviceOf(error)), outOfReach: true };
  return fail(subject, messageOf(error), todo);
};

const adviceOf = (error: unknown): string =>
  isKeyferryError(error, 'KF_REDIS_AUTH', 'KF_KAFKA_AUTH')
    ? 'correct the user or password in the configuration'
    : 'check the address in the configuration, the network, and that the server runs';

/** `FAIL  topic redis.0  is not compacted  -> ...` */
export const line = ({ level, subject, what, todo }: Finding): string =>
  `${level.padEnd(4)}  ${subject}  ${what}${todo === undefined ? '' : `  -> ${todo}`}`;

/** A named question. Its answers do not depend on those of other checks. */
export interface Check<Context> {
  readonly name: string;
  readonly run: (context: Context) => Promise<readonly Finding[]> | readonly Finding[];
}

/** Runs all of them; one that breaks is a finding and does not keep the others from running. */
export const runChecks = async <Context extends { readonly subject: string }>(
  checks: readonly Check<Context>[],
  context: Context,
): Promise<readonly Finding[]> => {
  const findings: Finding[] = [];
  for (const { name, run } of checks) {
    try {
      findings.push(...(await run(context)));
    } catch (error) {
      findings.push(failure(context.subject, error, `the check of ${name} could not be made: see the message`));
    }
  }
  return findings;
};
