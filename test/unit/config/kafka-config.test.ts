import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { printConfig } from '../../../src/config/print-config.ts';
import { load, oneSource, problemsOf } from './helpers.ts';

/** Self-signed; its key was thrown away. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBdDCCARugAwIBAgIUFIoK1HYiaxc/el7HLMHCrwizT9swCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjExMTQ3MjRaGA8yMTI2MTAyODExNDcy
NFowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABACM
A+f/G5EXDxqJjw7Kaw2Cu0DAi1suW2kikNgeqvfojwY6u0QiJwtfYM2Bc2AEjWb+
kU/VuVkgDlp5IxPr3NSjUzBRMB0GA1UdDgQWBBRcW0rKK/Rz8AJFWjANe8huyt73
CjAfBgNVHSMEGDAWgBRcW0rKK/Rz8AJFWjANe8huyt73CjAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0cAMEQCIEXxjZ1mJXRODg5WrK4d8LdLXlkqZefq88P4
WnD8R1oHAiAyB82XO3UjQiTUTNVBxu7C+G+fCqAoDaDCplpsDYacTA==
-----END CERTIFICATE-----
`;
const OTHER_KEY = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
});
const FILES = {
  '/ca': CERTIFICATE,
  '/cert': CERTIFICATE,
  '/key': OTHER_KEY,
  '/pw': 'geheim\n',
  '/empty': '',
};

const withKafka = (kafka: string): string => `kafka: { ${kafka} }\n${oneSource()}`;

describe('the security of Kafka', () => {
  it('is off by default', () => {
    const { kafka } = load(oneSource());
    expect([kafka.tls, kafka.sasl]).toEqual([undefined, undefined]);
    expect(load(withKafka('tls: { enabled: false }')).kafka.tls).toBeUndefined();
  });

  it('takes TLS with and without files', () => {
    expect(load(withKafka('tls: { enabled: true }')).kafka.tls).toEqual({ enabled: true });
    const tls = load(withKafka('tls: { enabled: true, caFile: /ca, serverName: kafka }'), { files: FILES }).kafka.tls;
    expect(tls).toEqual({ enabled: true, caFile: '/ca', serverName: 'kafka' });
  });

  it('takes user and password for the mechanisms that have them, and names the file in the place of its secret', () => {
    const given = load(withKafka('sasl: { mechanism: scram-sha-512, username: me, passwordFile: /pw }'), {
      files: FILES,
    });
    expect(given.kafka.sasl).toEqual({ mechanism: 'scram-sha-512', username: 'me', passwordFile: '/pw' });
    const environment = { KEYFERRY_KAFKA_SASL_PASSWORD: 'geheim' };
    expect(load(withKafka('sasl: { mechanism: plain, username: me }'), { environment }).kafka.sasl).toEqual({
      mechanism: 'plain',
      username: 'me',
      password: 'geheim',
    });
  });

  it('takes client credentials for oauthbearer', () => {
    const sasl =
      'mechanism: oauthbearer, tokenUrl: "https://id/token", clientId: me, clientSecretFile: /pw, scope: kafka';
    expect(load(withKafka(`sasl: { ${sasl} }`), { files: FILES }).kafka.sasl).toEqual({
      mechanism: 'oauthbearer',
      tokenUrl: 'https://id/token',
      clientId: 'me',
      clientSecretFile: '/pw',
      scope: 'kafka',
    });
  });

  it('is shown without its secrets', () => {
    const shown = printConfig(load(withKafka('sasl: { mechanism: plain, username: me, password: geheim }')));
    expect(shown).toMatch(/sasl:\n {4}mechanism: plain\n {4}username: me\n {4}password: "?\*\*\*/);
    expect(shown).not.toContain('geheim');
  });

  it.each([
    ['tls: { caFile: /ca }', ['kafka.tls.caFile has no effect while kafka.tls.enabled is false']],
    ['tls: { enabled: true, certFile: /cert }', ['kafka.tls.certFile needs its private key']],
    ['tls: { enabled: true, keyFile: /key }', ['kafka.tls.keyFile needs its certificate']],
    ['tls: { enabled: true, caFile: /gone }', ['kafka.tls.caFile cannot be read: ENOENT']],
    ['tls: { enabled: true, caFile: /pw }', ['kafka.tls.caFile /pw is no PEM']],
    ['tls: { enabled: true, caFile: /key }', ['kafka.tls.caFile cannot be used']],
    ['tls: { enabled: true, certFile: /key, keyFile: /key }', ['kafka.tls.certFile cannot be used']],
    ['tls: { enabled: true, certFile: /cert, keyFile: /key }', ['kafka.tls.keyFile cannot be used']],
    ['sasl: { username: me }', ['kafka.sasl.username has no effect without kafka.sasl.mechanism']],
    ['sasl: { mechanism: gssapi }', ['kafka.sasl.mechanism must be one of plain, scram-sha-256']],
    [
      'sasl: { mechanism: plain }',
      ['kafka.sasl.password or passwordFile is missing', 'kafka.sasl.username is missing'],
    ],
    ['sasl: { mechanism: plain, username: me, passwordFile: /gone }', ['kafka.sasl.passwordFile cannot be read']],
    ['sasl: { mechanism: plain, username: me, passwordFile: /empty }', ['kafka.sasl.passwordFile /empty is empty']],
    ['sasl: { mechanism: plain, username: me, password: x, passwordFile: /pw }', ['kafka.sasl.passwordFile is one']],
    [
      'sasl: { mechanism: plain, username: me, password: x, scope: s }',
      ['kafka.sasl.scope is for mechanism oauthbearer'],
    ],
    [
      'sasl: { mechanism: oauthbearer, username: me }',
      [
        'clientSecret or clientSecretFile is missing',
        'tokenUrl is missing',
        'clientId is missing',
        'username is not for',
      ],
    ],
    [
      'sasl: { mechanism: oauthbearer, tokenUrl: "ftp://x", clientId: a, clientSecret: b }',
      ['kafka.sasl.tokenUrl must be http:// or https://'],
    ],
  ])('does not take %s', (kafka, expected) => {
    const problems = problemsOf(withKafka(kafka), { files: FILES });
    expect(problems).toHaveLength(expected.length);
    for (const words of expected) expect(problems).toContainEqual(expect.stringContaining(words));
  });
});
