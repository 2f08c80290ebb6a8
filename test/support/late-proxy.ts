import { once } from 'node:events';
import { type AddressInfo, type Socket, createConnection, createServer } from 'node:net';
import type { RedisServer } from './stack.ts';

/** A proxy that can hold back what a client sent, and deliver it when that client has long gone; or lose the answers. */
export const lateProxy = async ({ host, port }: RedisServer) => {
  let holding = false;
  let muted = false;
  let muteWords: string | undefined;
  const held: [Socket, Buffer][] = [];
  const clients = new Set<Socket>();
  const servers = new Set<Socket>();
  const listener = createServer((downstream) => {
    const upstream = createConnection({ host, port });
    clients.add(downstream);
    servers.add(upstream);
    upstream.on('data', (chunk: Buffer) => {
      if (!muted) downstream.write(chunk);
    });
    upstream.on('end', () => downstream.end());
    upstream.on('error', () => undefined);
    downstream.on('error', () => undefined);
    downstream.on('data', (chunk: Buffer) => {
      muted ||= muteWords !== undefined && chunk.includes(muteWords);
      if (holding) held.push([upstream, chunk]);
      else upstream.write(chunk);
    });
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    url: `redis://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    get held() {
      return held.length;
    },
    hold: () => {
      holding = true;
    },
    /** From a command on that holds these words: it is done, and the client never hears of it. */
    muteFrom: (words: string) => {
      muteWords = words;
    },
    cutClients: () => {
      holding = false;
      muted = false;
      muteWords = undefined;
      for (const client of clients) client.destroy();
    },
    /** Resolves when the server has answered, or had hung up. */
    release: () =>
      Promise.all(
        held.map(async ([upstream, chunk]) => {
          if (upstream.closed) return;
          upstream.resume().write(chunk);
          await Promise.race([once(upstream, 'data'), once(upstream, 'close')]);
        }),
      ),
    close: () => {
      for (const socket of [...clients, ...servers]) socket.destroy();
      listener.close();
    },
  };
};
