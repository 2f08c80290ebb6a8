import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { type TopicRecord, lastRecords } from '../support/independent-reader.ts';
import { OtlpCollector, attributeOf } from '../support/otlp-collector.ts';
import { stackProvider } from '../support/provider.ts';
import type { KafkaServer, RedisServer } from '../support/stack.ts';

const hex = (bytes: number): string => randomBytes(bytes).toString('hex');

/** Somebody's trace, and the step of it that asks Keyferry. */
const newTrace = (flags = '01') => {
  const [traceId, spanId] = [hex(16), hex(8)];
  return { traceId, spanId, headers: { traceparent: `00-${traceId}-${spanId}-${flags}`, tracestate: 'vendor=kept' } };
};

/** Makes the process say that it loads OpenTelemetry's SDK. Its API comes with the metrics library, and does nothing. */
const TELL_IMPORTS = `--import=data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  registerHooks({
    load: (url, context, next) => {
      if (url.includes('@opentelemetry/sdk-trace/dist/index')) process.stderr.write('loads ' + url + '\\n');
      return next(url, context);
    },
  });
`)}`;

describe('tracing', () => {
  const collector = new OtlpCollector();
  const origin = createServer((request, response) => {
    asked.push(request.headers['traceparent']);
    response.end('from the origin');
  });
  const asked: (string | string[] | undefined)[] = [];
  const daemons: Daemon[] = [];
  let source: RedisServer;
  let copy: RedisServer;
  let redis: Redis;
  let kafka: KafkaServer | undefined;

  beforeAll(async () => {
    const provider = await stackProvider();
    [source, copy] = await Promise.all([provider.startRedis(), provider.startRedis()]);
    redis = new Redis(source.url);
    origin.listen(0, '127.0.0.1');
    await Promise.all([collector.start(), once(origin, 'listening')]);
  });
  afterEach(async () => {
    await Promise.all(daemons.splice(0).map((daemon) => daemon.dispose()));
    await kafka?.kill();
    kafka = undefined;
    await redis.flushall();
  });
  afterAll(async () => {
    redis.disconnect();
    origin.close();
    await collector.stop();
    await Promise.all([source.kill(), copy.kill()]);
  });

  const start = async (
    tracing: object,
    { brokers = inject('kafkaBrokers') }: { readonly brokers?: readonly string[] } = {},
  ) => {
    const [topic, events] = [`traced-${randomUUID()}`, `traced-events-${randomUUID()}`];
    const { port } = origin.address() as AddressInfo;
    const daemon = await Daemon.create({
      redis: { url: source.url },
      kafka: { brokers: [...brokers] },
      sources: [
        { name: 'keys', topic, partitions: 1, exclude: ['events'] },
        { name: 'events', type: 'stream', keys: ['events'], topic: events, partitions: 1 },
      ],
      sinks: [{ name: 'copy', topics: [topic], group: topic, redis: { url: copy.url } }],
      rest: { readThrough: [{ pattern: 'far:*', url: `http://127.0.0.1:${port}/{1}` }] },
      tracing,
    });
    daemons.push(daemon);
    const before = process.env['NODE_OPTIONS'];
    process.env['NODE_OPTIONS'] = TELL_IMPORTS;
    try {
      await daemon.start();
    } finally {
      if (before === undefined) delete process.env['NODE_OPTIONS'];
      else process.env['NODE_OPTIONS'] = before;
    }
    await daemon.settled();
    await eventually(async () => (await daemon.get('/readyz')).ok, { what: 'the daemon to be ready' });
    return { daemon, topic, events, brokers };
  };
  const on = (more: object = {}): object => ({ enabled: true, endpoint: collector.url, ...more });

  const ask = (daemon: Daemon, command: readonly string[], headers: Readonly<Record<string, string>> = {}) =>
    daemon.fetch('/redis', { method: 'POST', headers, body: JSON.stringify(command) });
  const acked = async (daemon: Daemon, command: readonly string[], headers: Readonly<Record<string, string>>) => {
    const answer = await ask(daemon, command, { ...headers, 'keyferry-ack': 'kafka' });
    expect(answer.status).toBe(200);
  };
  const recordOf = async (
    { brokers, topic }: { readonly brokers: readonly string[]; readonly topic: string },
    key: string,
  ): Promise<TopicRecord> =>
    eventually(async () => (await lastRecords(brokers, topic)).get(key) ?? null, { what: `a record of ${key}` });

  it('follows a write from the request to Redis, to its record, and through a sink', async () => {
    const running = await start(on({ serviceName: 'ferry' }));
    const { daemon, topic } = running;
    const { traceId, spanId, headers } = newTrace();
    await acked(daemon, ['SET', 'traced', '1'], headers);
    const [request, command, sent, processed] = await Promise.all(
      ['POST /redis', 'SET', `send ${topic}`, `process ${topic}`].map((name) => collector.find(traceId, name)),
    );
    expect(request).toMatchObject({ kind: 2, parentSpanId: spanId });
    expect(command).toMatchObject({ kind: 3, parentSpanId: request?.spanId });
    expect(sent).toMatchObject({ kind: 4, parentSpanId: request?.spanId });
    expect(processed).toMatchObject({ kind: 5, parentSpanId: sent?.spanId });
    expect(collector.of(traceId).map(({ status }) => status.code ?? 0)).toEqual([0, 0, 0, 0]);
    const record = await recordOf(running, 'traced');
    expect(record.headers['traceparent']).toBe(`00-${traceId}-${sent?.spanId ?? ''}-01`);
    expect(record.headers['tracestate']).toBe('vendor=kept');
    expect(sent && attributeOf(sent, 'messaging.kafka.offset')).toBe(Number(record.offset));
    expect(collector.services).toContain('ferry');
    expect(collector.requests.map(({ path }) => path)).toContain('/v1/traces');
    expect(daemon.output).toContain('loads file:');
    // Neither keys nor values go to the collector.
    expect(JSON.stringify(collector.spans)).not.toContain('"traced"');
  });

  it('begins a trace where the request brings none, and keeps the share that is wished for', async () => {
    const running = await start(on({ sampleRatio: 0 }));
    const { daemon, topic } = running;
    await acked(daemon, ['SET', 'unkept', '1'], {});
    const { traceparent = '' } = (await recordOf(running, 'unkept')).headers;
    expect(traceparent).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-00$/);
    const refused = newTrace('00');
    await acked(daemon, ['SET', 'refused', '1'], refused.headers);
    expect((await recordOf(running, 'refused')).headers['traceparent']).toMatch(
      new RegExp(`^00-${refused.traceId}-.*-00$`),
    );
    // Whoever began a trace decides.
    const wished = newTrace();
    await acked(daemon, ['SET', 'wished', '1'], wished.headers);
    await collector.find(wished.traceId, `process ${topic}`);
    expect([...collector.of(traceparent.slice(3, 35)), ...collector.of(refused.traceId)]).toEqual([]);
  });

  it('hands the trace of a GET on to the origin, and to the record of what was fetched', async () => {
    const running = await start(on());
    const { traceId, headers } = newTrace();
    const answer = await ask(running.daemon, ['GET', 'far:1'], headers);
    expect(await answer.json()).toEqual({ result: 'from the origin' });
    const fetched = await collector.find(traceId, 'GET');
    const request = await collector.find(traceId, 'POST /redis');
    const spans = collector.of(traceId).filter(({ name }) => name === 'GET');
    expect(spans.map(({ parentSpanId }) => parentSpanId)).toEqual([request.spanId, request.spanId]);
    expect(asked.map((each) => String(each).slice(0, 35))).toContain(`00-${fetched.traceId}`);
    const { traceparent = '' } = (await recordOf(running, 'far:1')).headers;
    expect(traceparent.slice(3, 35)).toBe(traceId);
  });

  it('goes on with the trace that an entry of a stream brings along', async () => {
    const running = await start(on());
    const { traceId, spanId, headers } = newTrace();
    await redis.xadd('events', '*', 'n', '1', 'traceparent', headers.traceparent);
    await redis.xadd('events', '*', 'n', '2', 'traceparent', 'nonsense');
    const sent = await collector.find(traceId, `send ${running.events}`);
    expect(sent).toMatchObject({ kind: 4, parentSpanId: spanId });
    const record = await recordOf({ ...running, topic: running.events }, 'events');
    expect(record.value?.toString()).toContain('nonsense');
    expect(record.headers['traceparent']).toBeUndefined();
  });

  it('links the record that several writes led to, to all of them, and goes on with the last one', async () => {
    kafka = await (await stackProvider()).startKafka();
    const running = await start(on(), { brokers: kafka.brokers });
    const { daemon, topic } = running;
    await acked(daemon, ['SET', 'hot', '0'], {});
    await kafka.kill();
    const traces = [newTrace(), newTrace(), newTrace()] as const;
    const [first, second, third] = traces;
    await ask(daemon, ['SET', 'hot', '1'], first.headers);
    // Its record is on its way: what comes now is for the next one.
    await eventually(async () => (await daemon.metric('keyferry_kafka_produce_failures_total')) > 0, {
      what: 'the record of the first write to be sent',
      timeoutMs: 120_000,
    });
    for (const [at, { headers }] of [second, third].entries())
      await ask(daemon, ['SET', 'hot', String(at + 2)], headers);
    await kafka.start();
    const sent = await collector.find(third.traceId, `send ${topic}`);
    const requests = await Promise.all([second, third].map(({ traceId }) => collector.find(traceId, 'POST /redis')));
    expect(sent.parentSpanId).toBe(requests[1]?.spanId);
    expect(sent.links?.map(({ spanId }) => spanId)).toContain(requests[0]?.spanId);
    const last = await eventually(
      async () => {
        const record = (await lastRecords(running.brokers, topic)).get('hot');
        return record?.value?.toString().includes('"3"') === true ? record : null;
      },
      { what: 'the last state', timeoutMs: 120_000 },
    );
    expect(last.headers['traceparent']).toBe(`00-${third.traceId}-${sent.spanId}-01`);
  });

  it('does not mind a collector that is away, says so once, and sends again once it is back', async () => {
    const { daemon, topic } = await start(on());
    await collector.stop();
    const away = 'the collector does not take spans';
    await acked(daemon, ['SET', 'alone', '1'], newTrace().headers);
    await eventually(() => daemon.output.includes(away), {
      what: 'the daemon to miss the collector',
      timeoutMs: 120_000,
    });
    await acked(daemon, ['SET', 'alone', '2'], newTrace().headers);
    await eventually(async () => (await daemon.get('/readyz')).ok, { what: 'the daemon to be ready nevertheless' });
    await collector.start();
    const { traceId, headers } = newTrace();
    await acked(daemon, ['SET', 'alone', '3'], headers);
    await eventually(() => collector.of(traceId).some(({ name }) => name === `process ${topic}`), {
      what: 'spans to arrive again',
      timeoutMs: 120_000,
    });
    expect(daemon.output.split(away)).toHaveLength(2);
    await collector.stop();
    await acked(daemon, ['SET', 'alone', '4'], newTrace().headers);
    expect(await daemon.stop()).toBe(0);
    await collector.start();
  });

  it('does nothing and loads nothing unless it is switched on', async () => {
    const running = await start({});
    const { traceId, headers } = newTrace();
    await acked(running.daemon, ['SET', 'plain', '1'], headers);
    const record = await recordOf(running, 'plain');
    expect(Object.keys(record.headers)).not.toContain('traceparent');
    expect(await running.daemon.stop()).toBe(0);
    expect(running.daemon.output).not.toContain('loads file:');
    expect(collector.of(traceId)).toEqual([]);
  });
});
