import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { persistently, tool } from '../tools.ts';

const PULL_TIMEOUT_MS = 180_000;
const BUILD_TIMEOUT_MS = 1_800_000;
const COMMAND_TIMEOUT_MS = 300_000;

/** One call of the docker command. Gives what it wrote to stdout. @throws with what it wrote to stderr. */
export const docker = async (args: readonly string[], timeoutMs = COMMAND_TIMEOUT_MS): Promise<string> => {
  const command = await tool('docker', 'docker.io');
  const { stdout } = await promisify(execFile)(command, args, { timeout: timeoutMs, maxBuffer: Infinity });
  return stdout.trim();
};

export const succeeds = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    () => false,
  );

export const engineAnswers = (): Promise<boolean> => succeeds(docker(['version', '--format', '{{.Server.Version}}']));

export const hasImage = (image: string): Promise<boolean> => succeeds(docker(['image', 'inspect', image]));

/** Whether the engine has the image, or got it from a registry. */
export const obtained = async (image: string): Promise<boolean> =>
  (await hasImage(image)) || (await succeeds(docker(['pull', '--quiet', image], PULL_TIMEOUT_MS)));

/** @param more arguments before the context's directory: `['--build-arg', 'VERSION=1']` */
export const buildImage = async (image: string, context: string, more: readonly string[] = []): Promise<void> => {
  // The host's network: its names and its way out hold for the build, too.
  await persistently(() => docker(['build', '--network', 'host', '--tag', image, ...more, context], BUILD_TIMEOUT_MS));
};
