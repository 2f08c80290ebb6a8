import { expect, test } from 'vitest';
import { capabilitiesOf, lacksOf } from '../../../../src/clients/redis/capabilities.ts';

const info = (...lines: string[]): string =>
  ['# Server', ...lines, 'redis_git_sha1:0', 'gcc_version:12.2.0', ''].join('\r\n');
const NONE = { readOnlyScripts: false, expireTime: false, fieldExpiry: false, noTouch: false };

test.each([
  ['redis', '7.0.15', ['redis_version:7.0.15']],
  ['valkey', '8.0.1', ['redis_version:7.2.4', 'server_name:valkey', 'valkey_version:8.0.1']],
  ['dragonfly', 'df-v1.20.0', ['redis_version:7.2.0', 'dragonfly_version:df-v1.20.0']],
  ['kvrocks', '2.9.0', ['redis_version:4.0.0', 'kvrocks_version:2.9.0']],
  ['redis', '', []],
])('the server says that it is %s %s', (server, version, lines) => {
  expect(capabilitiesOf(lines.length === 0 ? '' : info(...lines), undefined)).toMatchObject({ server, version });
});

test('the list of commands tells what the server has', () => {
  const some = capabilitiesOf(info('redis_version:7.0.15'), [[], [], null, null, []]);
  expect(some).toMatchObject({
    readOnlyScripts: true,
    expireTime: true,
    fieldExpiry: false,
    noTouch: false,
    tracking: true,
  });
  // A command that was renamed away is not there, whatever the version.
  expect(capabilitiesOf(info('redis_version:7.4.1'), [null, null, null, null, null])).toMatchObject({
    ...NONE,
    tracking: false,
  });
});

test('of a server whose list has no subcommands, the version tells of those', () => {
  expect(capabilitiesOf(info('redis_version:6.2.14'), [null, null, null, null, null])).toMatchObject({
    ...NONE,
    tracking: true,
  });
});

test.each([
  ['6.2.14', { ...NONE, tracking: true }],
  ['7.0.0', { ...NONE, readOnlyScripts: true, expireTime: true, tracking: true }],
  ['7.2.4', { readOnlyScripts: true, expireTime: true, fieldExpiry: false, noTouch: true, tracking: true }],
  ['7.4.0', { readOnlyScripts: true, expireTime: true, fieldExpiry: true, noTouch: true, tracking: true }],
])('where the list may not be asked for, the version %s tells', (version, expected) => {
  expect(capabilitiesOf(info(`redis_version:${version}`), undefined)).toMatchObject(expected);
});

test('where nothing may be asked, the server is taken for a new one', () => {
  expect(capabilitiesOf('', undefined)).toMatchObject({ readOnlyScripts: true, noTouch: true, tracking: true });
});

test('what a server lacks is told with what follows from it', () => {
  const old = capabilitiesOf(info('redis_version:6.2.14'), undefined);
  expect(lacksOf(old).map((lack) => lack.split(':')[0])).toEqual([
    'EVALSHA_RO',
    'PEXPIRETIME',
    'HPEXPIRETIME',
    'CLIENT NO-TOUCH',
  ]);
  expect(lacksOf(capabilitiesOf(info('redis_version:7.4.0'), undefined))).toEqual([]);
});
