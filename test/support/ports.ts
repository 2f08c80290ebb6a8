import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below every system's range for outgoing connections: there a port could be taken while its server is down between
 * kill and start, or a client that dials the dead server could be connected to itself. Runs side by side have ranges of
 * their own for the same reason.
 */
const [LOWEST = 0, HIGHEST = 0] = (process.env['KEYFERRY_TEST_PORTS'] ?? '12000-32000').split('-').map(Number);

/** Distinct TCP ports that were free on loopback a moment ago. */
export const freePorts = async (count: number): Promise<readonly number[]> => {
  const found = new Set<number>();
  while (found.size < count) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (await isFree(port)) found.add(port);
  }
  return [...found];
};

export const freePort = async (): Promise<number> => (await freePorts(1))[0] ?? 0;

const isFree = async (port: number): Promise<boolean> => {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
};
