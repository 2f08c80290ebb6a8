import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { DEFAULT_IMAGES } from '../support/container-provider.ts';
import { buildImage } from '../support/docker/docker.ts';
import { dockerEngine } from '../support/docker/engine.ts';
import { kafkaImage, nodeImage, redisImage } from '../support/images/local-images.ts';
import { say } from '../support/tools.ts';
import { startKafka } from './kafka.ts';
import { Namespace, kubectl } from './kubernetes.ts';

/** Images as the pods name them. */
export interface Images {
  readonly keyferry: string;
  readonly redis: string;
  readonly kafka: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    images: Images;
    /** Of a Kafka that all test files share: they use topics and groups of their own. */
    brokers: readonly string[];
  }
}

/**
 * Finds the cluster, and sees to it that its nodes have the images. KEYFERRY_TEST_K8S_LOAD is the command that carries images
 * from the Docker engine into the cluster (`kind load docker-image`, `minikube image load`); without it the cluster pulls
 * them, and KEYFERRY_TEST_IMAGE, KEYFERRY_TEST_REDIS_IMAGE and KEYFERRY_TEST_KAFKA_IMAGE say which. With KEYFERRY_TEST_KEEP what the tests
 * install stays, to be looked at.
 */
export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  await kubectl(['get', 'nodes', '--output', 'name']).catch((error: unknown) => {
    throw new Error('no Kubernetes answers: KUBECONFIG must point at one', { cause: error });
  });
  const load = process.env['KEYFERRY_TEST_K8S_LOAD'];
  const images = load === undefined ? named() : await loaded(load.split(' '));
  project.provide('images', images);
  const { namespace, brokers } = await kafkaOf(images).catch((error: unknown) => {
    // The first pods of a cluster that is seconds old: what was wrong with it is told, and they get another chance.
    say(`Kafka does not start on the cluster, and is started anew: ${String(error)}`);
    return kafkaOf(images);
  });
  project.provide('brokers', brokers);
  return () => namespace.delete();
};

const kafkaOf = async ({ kafka }: Images) => {
  const namespace = await Namespace.create('keyferry-kafka');
  return { namespace, brokers: await startKafka(namespace, kafka) };
};

const named = (): Images => ({
  keyferry: process.env['KEYFERRY_TEST_IMAGE'] ?? missing('KEYFERRY_TEST_IMAGE'),
  redis: process.env['KEYFERRY_TEST_REDIS_IMAGE'] ?? DEFAULT_IMAGES.redis,
  kafka: process.env['KEYFERRY_TEST_KAFKA_IMAGE'] ?? DEFAULT_IMAGES.kafka,
});

const missing = (variable: string): never => {
  throw new Error(
    `${variable} names no image that the cluster can pull, and KEYFERRY_TEST_K8S_LOAD no way to load one`,
  );
};

const loaded = async ([command = '', ...args]: readonly string[]): Promise<Images> => {
  const engine = await dockerEngine();
  try {
    const images = {
      keyferry: process.env['KEYFERRY_TEST_IMAGE'] ?? (await built('keyferry-test/keyferry:local')),
      redis: process.env['KEYFERRY_TEST_REDIS_IMAGE'] ?? (await redisImage(DEFAULT_IMAGES.redis)),
      kafka: process.env['KEYFERRY_TEST_KAFKA_IMAGE'] ?? (await kafkaImage(DEFAULT_IMAGES.kafka)),
    };
    say('loading images into the cluster');
    await promisify(execFile)(command, [...args, ...Object.values(images)], { maxBuffer: Infinity });
    // Gigabytes, where the nodes are on this machine: a broker's first fsync would wait for all of them.
    await promisify(execFile)('sync');
    return images;
  } finally {
    await engine.close();
  }
};

const built = async (image: string): Promise<string> => {
  await nodeImage('node:26-slim');
  await buildImage(image, join(import.meta.dirname, '../..'));
  return image;
};
