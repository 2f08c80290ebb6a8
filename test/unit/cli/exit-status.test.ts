import { describe, expect, it } from 'vitest';
import { exitStatusOf } from '../../../src/cli/exit-status.ts';
import { type ErrorCode, KeyferryError } from '../../../src/core/errors.ts';

describe('the exit status', () => {
  it.each<[ErrorCode, number]>([
    ['KF_USAGE', 2],
    ['KF_CONFIG_INVALID', 2],
    ['KF_REDIS_UNAVAILABLE', 3],
    ['KF_REDIS_AUTH', 3],
    ['KF_KAFKA_UNAVAILABLE', 3],
    ['KF_KAFKA_AUTH', 3],
    ['KF_REDIS_PERMISSION', 1],
    ['KF_SINK_STOPPED', 1],
    ['KF_STATE_STORE', 1],
  ])('for %s is %i', (code, status) => {
    expect(exitStatusOf(new KeyferryError(code, ''))).toBe(status);
  });

  it('for anything unexpected is 1', () => {
    expect(exitStatusOf(new TypeError('x'))).toBe(1);
  });
});
