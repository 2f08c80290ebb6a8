import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { buildImage, docker, hasImage, obtained } from '../docker/docker.ts';
import { envoyBinary } from '../envoy.ts';
import { kafkaClassPath } from '../kafka-jars.ts';
import { persistently, say, tool } from '../tools.ts';

const run = promisify(execFile);

const DEBIAN = 'debian:12-slim';
const LOCAL_REDIS = 'keyferry-test/redis:local';
const LOCAL_KAFKA = 'keyferry-test/kafka:local';
const LOCAL_ENVOY = 'keyferry-test/envoy:local';
const NPM = 'npm@11.21.2';

/** The image, where the engine has it or can pull it; else one that does the same, built here from packages. */
const orBuilt = async (image: string, local: string, build: () => Promise<void>): Promise<string> => {
  if (await hasImage(local)) return local;
  if (await obtained(image)) return image;
  say(`${image} cannot be pulled: building ${local}`);
  await build();
  return local;
};

export const redisImage = (wanted: string): Promise<string> =>
  orBuilt(wanted, LOCAL_REDIS, () => buildHere(LOCAL_REDIS, 'redis', () => Promise.resolve()));

export const kafkaImage = (wanted: string): Promise<string> =>
  orBuilt(wanted, LOCAL_KAFKA, () =>
    buildHere(LOCAL_KAFKA, 'kafka', async (dir) => {
      await cp(dirname(await kafkaClassPath()), join(dir, 'libs'), { recursive: true });
      await mkdir(join(dir, 'bin'));
      for (const [script, mainClass] of Object.entries(KAFKA_SCRIPTS)) {
        await writeFile(join(dir, 'bin', script), KAFKA_SCRIPT(mainClass));
      }
    }),
  );

/** What our own image starts from. Its name is kept: the Dockerfile asks for it. */
export const nodeImage = (name: string): Promise<string> =>
  orBuilt(name, name, () =>
    buildHere(name, 'node', async (dir) => {
      await cp(join(import.meta.dirname, '../../../node_modules/node/bin/node'), join(dir, 'node'));
      await cp('/etc/ssl/certs/ca-certificates.crt', join(dir, 'ca-certificates.crt'));
      const { stdout } = await persistently(() => run('npm', ['pack', '--silent', '--pack-destination', dir, NPM]));
      await run('tar', ['-xzf', join(dir, stdout.trim()), '-C', dir]);
      await cp(join(dir, 'package'), join(dir, 'npm'), { recursive: true });
    }),
  );

/** What the image of docs/examples/celery starts from. Its name is kept, too. */
export const pythonImage = (name: string): Promise<string> =>
  orBuilt(name, name, () =>
    buildHere(name, 'python', (dir) => cp('/etc/ssl/certs/ca-certificates.crt', join(dir, 'ca-certificates.crt'))),
  );

export const envoyImage = (wanted: string): Promise<string> =>
  orBuilt(wanted, LOCAL_ENVOY, () =>
    buildHere(LOCAL_ENVOY, 'envoy', async (dir) => cp(await envoyBinary(), join(dir, 'envoy'))),
  );

/** The scripts of Kafka's own image that the tests call. */
const KAFKA_SCRIPTS = { 'kafka-storage.sh': 'kafka.tools.StorageTool', 'kafka-server-start.sh': 'kafka.Kafka' };
const KAFKA_SCRIPT = (mainClass: string): string =>
  `#!/bin/sh\nexec java \${KAFKA_HEAP_OPTS:-} -Dorg.slf4j.simpleLogger.defaultLogLevel=info -cp '/opt/kafka/libs/*' ${mainClass} "$@"\n`;

/** @param fill puts what the Dockerfile copies into its directory. */
const buildHere = async (image: string, name: string, fill: (dir: string) => Promise<void>): Promise<void> => {
  if (!(await obtained(DEBIAN))) await bootstrapDebian();
  const dir = await mkdtemp(join(tmpdir(), 'keyferry-image-'));
  try {
    await cp(join(import.meta.dirname, `${name}.Dockerfile`), join(dir, 'Dockerfile'));
    await fill(dir);
    await buildImage(image, dir);
  } finally {
    await rm(dir, { recursive: true });
  }
};

/** A Debian of the usual name, from Debian's package archive. */
const bootstrapDebian = async (): Promise<void> => {
  const debootstrap = await tool('debootstrap', 'debootstrap');
  say(`${DEBIAN} cannot be pulled: making one with debootstrap`);
  const dir = await mkdtemp(join(tmpdir(), 'keyferry-debian-'));
  try {
    const tarball = join(dir, 'root.tar');
    const root = join(dir, 'root');
    const options = ['--variant=minbase', '--include=ca-certificates'];
    await persistently(async () => {
      await rm(root, { recursive: true, force: true });
      await run(debootstrap, [...options, 'bookworm', root], { maxBuffer: Infinity });
    });
    await rm(join(root, 'var/lib/apt/lists'), { recursive: true });
    await rm(join(root, 'var/cache/apt/archives'), { recursive: true });
    await run('tar', ['-C', root, '-cf', tarball, '.']);
    await docker(['import', tarball, DEBIAN]);
  } finally {
    await rm(dir, { recursive: true });
  }
};
