import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { buildImage } from '../support/docker/docker.ts';
import { dockerEngine } from '../support/docker/engine.ts';
import { nodeImage } from '../support/images/local-images.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The image under test. */
    image: string;
    /** The commit that it is said to be built from. */
    revision: string;
  }
}

const ROOT = join(import.meta.dirname, '../..');

/** Builds the image as anyone does; KEYFERRY_TEST_IMAGE names one that is there already. Gives the engine's end. */
export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  const engine = await dockerEngine();
  const image = process.env['KEYFERRY_TEST_IMAGE'] ?? 'keyferry-test/keyferry:local';
  const revision = await commit();
  if (process.env['KEYFERRY_TEST_IMAGE'] === undefined) {
    await nodeImage('node:26-slim');
    await buildImage(image, ROOT, ['--build-arg', `REVISION=${revision}`]);
  }
  project.provide('image', image);
  project.provide('revision', revision);
  return () => engine.close();
};

const commit = async (): Promise<string> =>
  promisify(execFile)('git', ['-C', ROOT, 'rev-parse', 'HEAD']).then(
    ({ stdout }) => stdout.trim(),
    () => 'unknown',
  );
