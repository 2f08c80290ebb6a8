import { describe, expect, test } from 'vitest';
import { refusal, toKeyferryError } from '../../../../src/clients/redis/errors.ts';
import { KeyferryError } from '../../../../src/core/errors.ts';

const inScript = (words: string): string =>
  `ERR Error running script (call to f_0): @user_script:3: @user_script: 3: ${words}`;

describe('the code of a refusal', () => {
  test.each([
    ['LOADING Redis is loading the dataset in memory', 'KF_REDIS_UNAVAILABLE'],
    ["READONLY You can't write against a read only replica.", 'KF_REDIS_UNAVAILABLE'],
    ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", 'KF_REDIS_UNAVAILABLE'],
    ['CLUSTERDOWN The cluster is down', 'KF_REDIS_UNAVAILABLE'],
    ['BUSY Redis is busy running a script.', 'KF_REDIS_UNAVAILABLE'],
    ['TRYAGAIN Multiple keys request during rehashing of slot', 'KF_REDIS_UNAVAILABLE'],
    ["OOM command not allowed when used memory > 'maxmemory'.", 'KF_REDIS_UNAVAILABLE'],
    [inScript("-OOM command not allowed when used memory > 'maxmemory'."), 'KF_REDIS_UNAVAILABLE'],
    // So Redis 6.2 passes on what a script returned or raised.
    ["@user_script: 5: -READONLY You can't write against a read only replica.  ", 'KF_REDIS_UNAVAILABLE'],
    ["ERR Error running script (call to f_0): @user_script:3: NOPERM User can't", 'KF_REDIS_PERMISSION'],
    ['MISCONF Redis is configured to save RDB snapshots', 'KF_REDIS_UNAVAILABLE'],
    ['NOREPLICAS Not enough good replicas to write.', 'KF_REDIS_UNAVAILABLE'],
    ['ERR max number of clients reached', 'KF_REDIS_UNAVAILABLE'],
    ['UNBLOCKED force unblock from blocking operation, instance state changed', 'KF_REDIS_UNAVAILABLE'],
    ['UNBLOCKED the stream key no longer exists', 'KF_REDIS_REFUSED'],
    ['ERR Script attempted to access a non local key in a cluster node', 'KF_REDIS_UNAVAILABLE'],
    ['ERR Script attempted to execute a command while the cluster is down', 'KF_REDIS_UNAVAILABLE'],
    [inScript('Lua script attempted to access a non local key in a cluster node'), 'KF_REDIS_UNAVAILABLE'],
    ['WRONGPASS invalid username-password pair or user is disabled.', 'KF_REDIS_AUTH'],
    ['NOAUTH Authentication required.', 'KF_REDIS_AUTH'],
    ["NOPERM this user has no permissions to run the 'set' command", 'KF_REDIS_PERMISSION'],
    ["ERR The user executing the script can't run this command or subcommand", 'KF_REDIS_PERMISSION'],
    ["ERR ACL failure in script: User default has no permissions to run the 'hset' command", 'KF_REDIS_PERMISSION'],
    ['WRONGTYPE Operation against a key holding the wrong kind of value', 'KF_REDIS_REFUSED'],
    ['BUSYKEY Target key name already exists.', 'KF_REDIS_REFUSED'],
    ['ERR syntax error', 'KF_REDIS_REFUSED'],
    ['', 'KF_REDIS_REFUSED'],
  ])('%s', (words, code) => {
    expect(refusal('SET', words).code).toBe(code);
  });

  test('its message does not tell where in our script it was, which Redis 6.2 puts before the words', () => {
    const { message } = refusal('EVALSHA', inScript('-OOM command not allowed  '));
    expect(message).toBe('Redis refused EVALSHA: OOM command not allowed');
  });

  test('its message names the command and holds the words, without the arguments that Redis quotes', () => {
    const words = "ERR unknown command 'JSON.SET', with args beginning with: 'key' '$' '{\"secret\":1}' ";
    expect(refusal('JSON.SET', words).message).toBe("Redis refused JSON.SET: ERR unknown command 'JSON.SET'");
  });
});

describe('any failure becomes a KeyferryError', () => {
  test("Redis' own answer is a refusal, and is not kept as the cause: it carries the arguments", () => {
    const reply = Object.assign(new Error('ERR syntax error'), { name: 'ReplyError', command: { args: ['secret'] } });
    const error = toKeyferryError('SET', reply, 'redis:6379');
    expect(error.code).toBe('KF_REDIS_REFUSED');
    expect(error.cause).toBeUndefined();
  });

  test('whatever else happens to a connection makes Redis unavailable, with the reason', () => {
    expect(toKeyferryError('SET', new Error('read ECONNRESET'), 'redis:6379')).toMatchObject({
      code: 'KF_REDIS_UNAVAILABLE',
      message: 'Redis at redis:6379 is away: read ECONNRESET',
    });
  });

  test('a failure on all of several addresses is named by its code', () => {
    const all = Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' });
    expect(toKeyferryError('SET', all, 'redis:6379').message).toContain('ECONNREFUSED');
  });

  test('what is one already stays what it is', () => {
    const error = new KeyferryError('KF_REDIS_AUTH', 'no');
    expect(toKeyferryError('SET', error, 'redis:6379')).toBe(error);
  });
});
