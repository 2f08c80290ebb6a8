import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { dockerEngine } from '../support/docker/engine.ts';
import { say } from '../support/tools.ts';

/**
 * An image that only some tests need, made here and carried into the cluster (KEYFERRY_TEST_K8S_LOAD, as in global-setup.ts).
 * Without that command the cluster pulls `published`.
 */
export const loadedImage = async (published: string, make: () => Promise<string>): Promise<string> => {
  const [command = '', ...args] = process.env['KEYFERRY_TEST_K8S_LOAD']?.split(' ') ?? [];
  if (command === '') return published;
  const engine = await dockerEngine();
  try {
    const image = await make();
    say(`loading ${image} into the cluster`);
    await promisify(execFile)(command, [...args, image], { maxBuffer: Infinity });
    return image;
  } finally {
    await engine.close();
  }
};
