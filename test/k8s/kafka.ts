import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Namespace } from './kubernetes.ts';

/** Starts a Kafka in the namespace. Gives its brokers, as pods and the tests reach them. */
export const startKafka = async (namespace: Namespace, image: string): Promise<readonly string[]> => {
  const manifest = readFileSync(join(import.meta.dirname, 'kafka.yaml'), 'utf8').replaceAll('KAFKA_IMAGE', image);
  const [service = ''] = manifest.split('---\n');
  await namespace.apply(service);
  const address = await namespace.clusterIp('kafka');
  await namespace.apply(manifest.replaceAll('KAFKA_ADDRESS', address));
  await namespace.rolledOut('statefulset/kafka');
  return [`${address}:9092`];
};
