/**
 * `npm run demo`: keys travel Redis -> Kafka -> Redis, each change with its latency, until Ctrl-C.
 * `npm run demo -- --once`: one round trip over all types, compared with what an independent reader sees; exit status 1
 * where anything differs.
 * `npm run demo -- --cluster`: the same on a cluster of six nodes, of which one master after the other is killed; with
 * `--once` one of them, and then all is compared.
 */
import { parseArgs } from 'node:util';
import { connectKafka } from '../src/clients/kafka/connect.ts';
import { messageOf } from '../src/core/errors.ts';
import { showCluster } from './demo/cluster.ts';
import { type DaemonProcess, startDaemon } from './demo/daemon.ts';
import { PREFIX, SOURCE } from './demo/given.ts';
import { runLive } from './demo/live.ts';
import { Mirror } from './demo/mirror.ts';
import { runOnce } from './demo/once.ts';
import { type DemoServers, findServers } from './demo/servers.ts';
import { paint, print, say } from './demo/terminal.ts';

const PARTITIONS = 3;

const { values } = parseArgs({
  options: { once: { type: 'boolean', default: false }, cluster: { type: 'boolean', default: false } },
});
const stop = new AbortController();
process.on('SIGINT', () => {
  stop.abort();
});
process.on('SIGTERM', () => {
  stop.abort();
});

const configOf = ({ source, copy, brokers, topic, group }: DemoServers): object => ({
  redis: { url: source.url },
  kafka: { brokers },
  sources: [{ name: SOURCE, databases: [source.db], include: [`${PREFIX}*`], topic, partitions: PARTITIONS }],
  sinks: [{ name: 'copy', topics: [topic], group, redis: { url: copy.url }, database: copy.db }],
});

const introduce = ({ source, copy, brokers, topic }: DemoServers, { url, logFile }: DaemonProcess): void => {
  print();
  print(`  Redis   ${shown(source.url)}, database ${source.db}`);
  print(`  Kafka   ${brokers.join(', ')}, topic ${topic}`);
  print(`  copy    ${shown(copy.url)}, database ${copy.db}`);
  print(`  status  ${paint('underline', `${url}/api/v1/status`)}  ${paint('underline', `${url}/metrics`)}`);
  print(`  log     ${logFile}`);
  print();
};

/** Without user and password. */
const shown = (url: string): string => new URL(url).host;

/** @returns the exit status */
const show = async (servers: DemoServers): Promise<number> => {
  say('starting keyferry');
  const daemon = await startDaemon(configOf(servers));
  const mirror = new Mirror(servers);
  try {
    // The first one also waits for the sink to join its group.
    await mirror.source.set(`${PREFIX}hello`, 'world');
    await mirror.untilEqual([Buffer.from(`${PREFIX}hello`)]);
    introduce(servers, daemon);
    if (values.once) return (await runOnce(mirror, servers)) ? 0 : 1;
    print(`${paint('bold', 'Each line: a write, how long until the copy had it, and its record.')} Ctrl-C ends it.`);
    const kafka = connectKafka({ client: 'platformatic', brokers: servers.brokers, clientId: 'keyferry-demo' });
    const admin = kafka.admin();
    await runLive({ mirror, admin, topic: servers.topic, url: daemon.url, signal: stop.signal });
    await admin.close();
    return 0;
  } finally {
    mirror.close();
    await daemon.stop();
  }
};

let servers: DemoServers | undefined;
try {
  if (values.cluster) process.exitCode = await showCluster({ once: values.once, signal: stop.signal });
  else {
    servers = await findServers(say);
    if (!stop.signal.aborted) process.exitCode = await show(servers);
  }
} catch (error) {
  print(paint('red', messageOf(error)));
  process.exitCode = 1;
} finally {
  if (servers !== undefined) {
    await servers.dispose().catch((error: unknown) => {
      print(paint('red', `what the demo left on given servers stays there: ${String(error)}`));
      process.exitCode = 1;
    });
    say('all servers have ended');
  }
}
