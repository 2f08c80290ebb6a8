/**
 * A process of its own that outlives its parent by a moment, however that one ends: ends the servers still named, then
 * deletes the directory given as its argument. Input lines: `+process PID` or `+container ID`; with `-` it has gone.
 */
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

const running = new Set<string>();
for await (const line of createInterface({ input: process.stdin })) {
  if (line.startsWith('+')) running.add(line.slice(1));
  else running.delete(line.slice(1));
}

const endProcess = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has gone by itself.
  }
};

const endContainer = async (id: string): Promise<void> => {
  const { getContainerRuntimeClient } = await import('testcontainers');
  const { container } = await getContainerRuntimeClient();
  await container.getById(id).remove({ force: true, v: true });
};

for (const server of running) {
  const [kind, id = ''] = server.split(' ');
  if (kind === 'process') endProcess(Number(id));
  else await endContainer(id).catch(() => undefined);
}
rmSync(process.argv[2] ?? '', { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
