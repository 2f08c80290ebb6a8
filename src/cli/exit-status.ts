import { type ErrorCode, isKeyferryError } from '../core/errors.ts';

/** What the process tells whoever started it (contract). */
export const EXIT = {
  fine: 0,
  /** The check failed, drift was found, or something broke that is neither of the others. */
  failed: 1,
  /** Unusable arguments or configuration. */
  unusable: 2,
  /** A dependency stayed out of reach. */
  outOfReach: 3,
} as const;

export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

const UNUSABLE: readonly ErrorCode[] = ['KF_USAGE', 'KF_CONFIG_INVALID'];
const OUT_OF_REACH: readonly ErrorCode[] = [
  'KF_REDIS_UNAVAILABLE',
  'KF_REDIS_AUTH',
  'KF_KAFKA_UNAVAILABLE',
  'KF_KAFKA_AUTH',
];

export const isOutOfReach = (error: unknown): boolean => isKeyferryError(error, ...OUT_OF_REACH);

export const exitStatusOf = (error: unknown): ExitStatus => {
  if (isKeyferryError(error, ...UNUSABLE)) return EXIT.unusable;
  return isOutOfReach(error) ? EXIT.outOfReach : EXIT.failed;
};
