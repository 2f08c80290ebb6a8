import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below every system's range for outgoing connections: there a port could be taken while its server is down between
 * kill and start, or a client that dials the dead server could be connected to itself. So are the ports 10,000 above,
 * where the nodes of a Redis Cluster talk to each other. Runs side by side have ranges of their own for the same reason.
 */
const [LOWEST = 0, HIGHEST = 0] = (process.env['KEYFERRY_TEST_PORTS'] ?? '12000-22000').split('-').map(Number);

/** Given out by this process: the servers that they were for may not listen yet, or be down for a while. */
const given = new Set<number>();

/** TCP ports that were free on loopback a moment ago; none is given twice. */
export const freePorts = async (count: number): Promise<readonly number[]> => {
  const found: number[] = [];
  while (found.length < count) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) found.push(port);
  }
  return found;
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
