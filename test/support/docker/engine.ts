import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDir } from '../cache-dir.ts';
import { ServerProcess } from '../server-process.ts';
import { say, tool } from '../tools.ts';
import { Workplace } from '../workplace.ts';
import { engineAnswers } from './docker.ts';

export interface Engine {
  /** Ends it, where it was started here. */
  close(): Promise<void>;
}

/**
 * A Docker engine: the one that answers, else Debian's, started on a socket of its own. Its images stay in the cache.
 * Afterwards the docker command and testcontainers find it through DOCKER_HOST.
 * @throws where there is none and none can be started.
 */
export const dockerEngine = async (): Promise<Engine> => {
  if (await engineAnswers()) return { close: () => Promise.resolve() };
  if (process.getuid?.() !== 0) throw new Error('no Docker engine answers, and only root can start one');
  const workplace = new Workplace();
  const engine = await start(workplace).catch(async (error: unknown) => {
    await workplace.close();
    throw error;
  });
  return {
    close: async () => {
      await engine.close();
      await workplace.close();
    },
  };
};

const start = async (workplace: Workplace): Promise<Engine> => {
  const command = await tool('dockerd', 'docker.io');
  const data = join(cacheDir(), 'docker');
  await mkdir(data, { recursive: true });
  // One engine at a time works on these data; its end, after a kill too, is the lock's.
  const lock = `${data}.lock`;
  const host = `unix://${join(workplace.dir, 'docker.sock')}`;
  say('no Docker engine answers: starting one');
  const server = new ServerProcess(workplace, {
    name: 'dockerd',
    command: 'unshare',
    // Namespaces of its own: when it ends, so does all that it started, and its mounts with it.
    args: [
      ...['--mount', '--pid', '--mount-proc', '--kill-child=SIGTERM'],
      ...['flock', '--no-fork', '--timeout', '60', lock],
      ...[command, '--host', host, '--data-root', data],
      ...['--exec-root', join(workplace.dir, 'docker'), '--pidfile', join(workplace.dir, 'docker.pid')],
    ],
    cwd: workplace.dir,
    logFile: join(workplace.dir, 'dockerd.log'),
    isReady: engineAnswers,
  });
  process.env['DOCKER_HOST'] = host;
  await server.start();
  return {
    close: async () => {
      delete process.env['DOCKER_HOST'];
      await server.kill();
      await promisify(execFile)('flock', [lock, 'true']);
    },
  };
};
