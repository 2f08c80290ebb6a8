import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type KafkaClient, type KafkaConnection, connectKafka } from '../../src/clients/kafka/connect.ts';
import type { KafkaDriver } from '../../src/clients/kafka/port.ts';
import type { SaslCredentials, UserCredentials } from '../../src/clients/kafka/security/sasl.ts';
import { systemClock as clock } from '../../src/core/clock.ts';
import type { Certificate } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { allow } from '../support/kafka-acls.ts';
import { changeScramPassword } from '../support/scram-user.ts';
import { type SecuredKafka, SHORT_SESSION_MS, startSecuredKafka } from '../support/secured-kafka.ts';
import { Closers, connect, listen, newTopic, readAll, record, uniqueName, values } from './kafka-fixture.ts';

const PACE_MS = 10;
const WITH_PASSWORD = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;

/** On a broker of its own, with a listener for each way to connect. */
describe('a secured Kafka', () => {
  let kafka: SecuredKafka;
  /** May do everything. */
  let setup: KafkaDriver;
  let ferry: Certificate;
  const closers = new Closers();

  beforeAll(async () => {
    kafka = await startSecuredKafka();
    setup = connect('platformatic', kafka.brokers.PLAIN);
    ferry = await kafka.authority.issue('ferry');
  });
  beforeEach(() => {
    kafka.tokens.failure = undefined;
    kafka.tokens.lifetimeS = 600;
    kafka.tokens.isForging = false;
  });
  afterEach(() => closers.close());
  afterAll(() => kafka.stop());

  const user = (mechanism: UserCredentials['mechanism'], username = 'ferry'): SaslCredentials => ({
    mechanism,
    username,
    password: `${username}-secret`,
  });
  const withToken = (clientSecret = 'ferry-secret'): SaslCredentials => ({
    mechanism: 'oauthbearer',
    tokenUrl: kafka.tokenUrl,
    clientId: 'ferry',
    clientSecret,
  });
  const over = (client: KafkaClient, options: Omit<KafkaConnection, 'client' | 'clientId'>): KafkaDriver =>
    connectKafka({ client, clientId: `secured-${client}`, ...options });
  const overSasl = (client: KafkaClient, sasl: SaslCredentials): KafkaDriver =>
    over(client, { brokers: kafka.brokers.SASL, tls: { caFile: kafka.authority.caFile }, sasl });

  /** Everything that the port does, once. */
  const expectAllToWork = async (driver: KafkaDriver): Promise<void> => {
    const topic = await newTopic(driver, 2);
    const producer = closers.use(await driver.producer());
    await producer.send([record(topic, 'a', '1'), record(topic, 'b', '2')]);
    const { received, consumer, ran } = listen(driver, uniqueName('group'), [topic]);
    await eventually(() => received.length === 2, { what: 'both records' });
    await consumer.close();
    await ran;
    expect(values((await readAll(driver, topic)).records).sort()).toEqual(['1', '2']);
    const admin = closers.use(driver.admin());
    expect(await admin.describe(topic)).toMatchObject({ partitions: 2 });
  };

  /** The error of a first request; its answer where there is none. */
  const failureOf = async (driver: KafkaDriver): Promise<unknown> =>
    closers
      .use(driver.admin())
      .topics()
      .catch((error: unknown) => error);

  describe.each(['platformatic', 'kafkajs'] as const)('%s', (client) => {
    it('works over TLS, by the address and by a name', async () => {
      const tls = { caFile: kafka.authority.caFile };
      await expectAllToWork(over(client, { brokers: kafka.brokers.TLS, tls }));
      const brokers = kafka.brokers.TLS.map((broker) => broker.replace('127.0.0.1', 'localhost'));
      expect(await failureOf(over(client, { brokers, tls }))).toBeInstanceOf(Array);
      expect(await failureOf(over(client, { brokers: kafka.brokers.TLS, tls: { ...tls, serverName: 'localhost' } }))) //
        .toBeInstanceOf(Array);
    });

    it('works over mutual TLS', async () => {
      const tls = { caFile: kafka.authority.caFile, ...ferry };
      await expectAllToWork(over(client, { brokers: kafka.brokers.MTLS, tls }));
    });

    it.each(WITH_PASSWORD)('logs in with %s', async (mechanism) => {
      await expectAllToWork(overSasl(client, user(mechanism)));
    });

    it('logs in with tokens, one for all connections', async () => {
      const before = kafka.tokens.requests.length;
      await expectAllToWork(overSasl(client, withToken()));
      expect(kafka.tokens.requests.length).toBe(before + 1);
    });

    it('says what is wrong with a certificate', async () => {
      const { brokers, authority, strangers } = kafka;
      const tls = { caFile: authority.caFile };
      const old = await authority.issue('old', { days: -1 });
      const strange = await strangers.issue('strange');
      const cases: readonly (readonly [Omit<KafkaConnection, 'client' | 'clientId'>, RegExp])[] = [
        [{ brokers: brokers.EXPIRED, tls }, /the broker's certificate has expired: renew it/],
        [{ brokers: brokers.TLS, tls: { caFile: strangers.caFile } }, /signed by a CA that is not known here/],
        [{ brokers: brokers.TLS, tls: {} }, /signed by a CA that is not known here.*kafka\.tls\.caFile/],
        [{ brokers: brokers.TLS, tls: { ...tls, serverName: 'elsewhere' } }, /for another host name/],
        [{ brokers: brokers.MTLS, tls }, /refuses our client certificate, or misses one/],
        [{ brokers: brokers.MTLS, tls: { ...tls, ...strange } }, /refuses our client certificate/],
        [{ brokers: brokers.MTLS, tls: { ...tls, ...old } }, /refuses our client certificate/],
      ];
      for (const [options, words] of cases) {
        const failure = await failureOf(over(client, options));
        expect(failure).toMatchObject({ code: 'KF_KAFKA_AUTH', message: expect.stringMatching(words) as string });
      }
    });

    it('takes renewed files for the next connection, and keeps the last good ones while they are unusable', async () => {
      const caFile = kafka.path(`ca-${client}.pem`);
      copyFileSync(kafka.strangers.caFile, caFile);
      const driver = over(client, { brokers: kafka.brokers.TLS, tls: { caFile } });
      expect(await failureOf(driver)).toMatchObject({ code: 'KF_KAFKA_AUTH' });
      copyFileSync(kafka.authority.caFile, caFile);
      expect(await failureOf(driver)).toBeInstanceOf(Array);
      writeFileSync(caFile, '-----BEGIN CERTIFICATE-----\nhalf');
      expect(await failureOf(driver)).toBeInstanceOf(Array);
      rmSync(caFile);
      expect(await failureOf(driver)).toBeInstanceOf(Array);
    });

    it('goes on trying where TLS or a login may be missing, and says so: a broker that ends does the same', async () => {
      const tls = { caFile: kafka.authority.caFile };
      const code = 'KF_KAFKA_UNAVAILABLE';
      expect(await failureOf(over(client, { brokers: kafka.brokers.PLAIN, tls }))).toMatchObject({
        code,
        message: expect.stringMatching(/is TLS not for this port\?/) as string,
      });
      expect(await failureOf(over(client, { brokers: kafka.brokers.SASL, tls }))).toMatchObject({
        code,
        message: expect.stringMatching(/does it want SASL\?/) as string,
      });
    });

    it.each(WITH_PASSWORD)('says that it could not log in with %s, in every role', async (mechanism) => {
      const driver = overSasl(client, { mechanism, username: 'ferry', password: 'falsch' });
      const refused = {
        code: 'KF_KAFKA_AUTH',
        message: expect.stringMatching(/log in as ferry \(SASL [A-Z0-9-]+\): Authentication failed/i) as string,
      };
      const producer = closers.use(await driver.producer());
      await expect(producer.send([record('t', 'k', 'v')])).rejects.toMatchObject(refused);
      const { ran, consumer } = listen(driver, uniqueName('group'), ['t']);
      await expect(ran).rejects.toMatchObject(refused);
      await consumer.close();
      const failure = await readAll(driver, 't').catch((error: unknown) => error);
      expect(failure).toMatchObject(refused);
      expect(String(failure)).not.toContain('falsch');
    });

    it('says what is wrong with a token, and who refuses it', async () => {
      const refused = (words: RegExp) => ({
        code: 'KF_KAFKA_AUTH',
        message: expect.stringMatching(words) as string,
      });
      expect(await failureOf(overSasl(client, withToken('falsch')))).toMatchObject(
        refused(/the token server http:\S+\/token refuses client ferry: 401 invalid_client/),
      );
      kafka.tokens.isForging = true;
      expect(await failureOf(overSasl(client, withToken()))).toMatchObject(refused(/the broker refuses the token/));
    });

    it('goes on when the token server is back', async () => {
      const admin = closers.use(overSasl(client, withToken()).admin());
      kafka.tokens.failure = { status: 503, body: '' };
      await expect(admin.topics()).rejects.toMatchObject({
        code: 'KF_KAFKA_UNAVAILABLE',
        message: expect.stringMatching(/answers 503/) as string,
      });
      kafka.tokens.failure = undefined;
      await eventually(() => admin.topics(), { what: 'an answer' });
    });

    it('renews its sessions, tokens and password without losing, repeating or delaying a record', async () => {
      kafka.tokens.lifetimeS = 15;
      const passwordFile = kafka.path(`password-${client}`);
      const name = client === 'kafkajs' ? 'source' : 'sink';
      writeFileSync(passwordFile, `${name}-secret\n`);
      const tokensBefore = kafka.tokens.requests.length;
      const topics = [await newTopic(setup), await newTopic(setup), await newTopic(setup)];
      const grants = topics.map((topic) => `Describe, Read, Write on topic ${topic}`);
      await allow(kafka.brokers.PLAIN, name, [...grants, 'Read on groups that begin with contract-group']);
      const drivers = [
        overSasl(client, user('scram-sha-256')),
        overSasl(client, withToken()),
        overSasl(client, { mechanism: 'scram-sha-256', username: name, passwordFile }),
      ];
      const streams = await Promise.all(drivers.map((driver, at) => keepSending(driver, topics[at] ?? '')));
      await eventually(() => streams.every(({ received }) => received.length > 0), { what: 'records' });
      await changeScramPassword(kafka.brokers.PLAIN, name, 'another');
      writeFileSync(passwordFile, 'another\n');
      const startedAt = performance.now();
      await eventually(() => performance.now() - startedAt > 2 * SHORT_SESSION_MS, { what: 'sessions to end' });
      const before = streams.map(({ received }) => received.length);
      const goOn = () => streams.every(({ received }, at) => received.length > (before[at] ?? Infinity));
      await eventually(goOn, { what: 'records behind the ends of sessions' });
      for (const stream of streams) {
        const sent = await stream.stop();
        expect(values(stream.received)).toEqual(Array.from({ length: sent }, (_, at) => String(at)));
      }
      expect(kafka.tokens.requests.length).toBeGreaterThan(tokensBefore + 1);
    });

    it('names what is denied to it, and by whom it may be granted', async () => {
      const driver = overSasl(client, user('scram-sha-512', 'nobody'));
      const topic = await newTopic(setup);
      const denied = (words: RegExp) => ({
        code: 'KF_KAFKA_PERMISSION',
        message: expect.stringMatching(words) as string,
      });
      const producer = closers.use(await driver.producer());
      const send = () => producer.send([record(topic, 'k', 'v')]);
      await expect(send()).rejects.toMatchObject(denied(new RegExp(`grant Describe on topic ${topic}`)));
      await allow(kafka.brokers.PLAIN, 'nobody', [`Describe on topic ${topic}`]);
      await expect(send()).rejects.toMatchObject(denied(new RegExp(`grant Write on topic ${topic}`)));
      await expect(readAll(driver, topic)).resolves.toMatchObject({ records: [] });

      const groupId = uniqueName('group');
      const consume = async (): Promise<void> => {
        const { ran, consumer } = listen(driver, groupId, [topic]);
        await ran.finally(() => consumer.close());
      };
      await expect(consume()).rejects.toMatchObject(denied(new RegExp(`grant Read on group ${groupId}`)));
      await allow(kafka.brokers.PLAIN, 'nobody', [`Read on group ${groupId}`]);
      await expect(consume()).rejects.toMatchObject(denied(new RegExp(`grant (Describe and )?Read on topic ${topic}`)));

      const admin = closers.use(driver.admin());
      await expect(admin.describe(topic)).rejects.toMatchObject(denied(/DescribeConfigs on topic/));
      const name = uniqueName('topic');
      await expect(admin.create({ name, partitions: 1, config: {} })).rejects.toMatchObject(
        denied(new RegExp(`grant Create on topic ${name}`)),
      );
    });
  });

  /** Sends a record every few milliseconds, and listens; any failure is one of the test. */
  const keepSending = async (driver: KafkaDriver, topic: string) => {
    const producer = closers.use(await driver.producer());
    const { received, consumer, ran } = listen(driver, uniqueName('group'), [topic]);
    const over = new AbortController();
    let sent = 0;
    const sending = (async () => {
      while (!over.signal.aborted) {
        await producer.send([record(topic, 'k', String(sent))]);
        sent += 1;
        await clock.sleep(PACE_MS, over.signal);
      }
    })();
    sending.catch(() => undefined);
    return {
      received,
      stop: async (): Promise<number> => {
        over.abort();
        await sending;
        await eventually(() => received.length >= sent, { what: 'the last record' });
        await consumer.close();
        await ran;
        return sent;
      },
    };
  };
});
