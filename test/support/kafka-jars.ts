import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDir } from './cache-dir.ts';
import { persistently, runAlone, say, tool } from './tools.ts';

const KAFKA_VERSION = '4.1.0';
const ARTIFACTS = [
  ['org.apache.kafka', 'kafka_2.13', KAFKA_VERSION],
  ['org.apache.kafka', 'kafka-tools', KAFKA_VERSION],
  ['org.slf4j', 'slf4j-simple', '1.7.36'],
] as const;

/** The Java class path of a Kafka broker; fetched with Maven into this user's cache where it is not there yet. */
export const kafkaClassPath = async (): Promise<string> => {
  const lib = join(cacheDir(), `kafka-${KAFKA_VERSION}`);
  if (!(await exists(lib))) await fetchJars(cacheDir(), lib);
  return join(lib, '*');
};

const exists = async (dir: string): Promise<boolean> =>
  readdir(dir).then(
    () => true,
    () => false,
  );

const fetchJars = async (cache: string, lib: string): Promise<void> => {
  const mvn = await tool('mvn', 'maven');
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'fetching-'));
  try {
    say(`fetching Kafka ${KAFKA_VERSION} with Maven, once, into ${lib}`);
    await writeFile(join(work, 'pom.xml'), POM);
    const jars = join(work, 'lib');
    const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${jars}`];
    // Two Mavens at once may spoil the repository that they share. -U: what failed once is asked for again.
    await persistently(() => runAlone('maven', mvn, ['-q', '-B', '-U', '-f', work, ...goal]));
    await rename(jars, lib).catch(async (error: unknown) => {
      // Another run was faster: its jars are as good as ours.
      if (!(await exists(lib))) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>keyferry</groupId>
  <artifactId>test-stack</artifactId>
  <version>1</version>
  <dependencies>${ARTIFACTS.map(
    ([groupId, artifactId, version]) => `
    <dependency><groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId><version>${version}</version></dependency>`,
  ).join('')}
  </dependencies>
</project>
`;
