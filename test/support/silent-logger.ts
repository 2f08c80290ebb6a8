import type { Logger } from '../../src/core/log.ts';

const nothing = (): void => undefined;

/** For what logs by the way, in tests that look at something else. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
};
