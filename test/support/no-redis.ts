import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';

/** How such a server tells of itself, and what becomes of an attempt to have it notify. */
export interface Manners {
  /** INFO server. */
  readonly info: string;
  /** What CONFIG GET notify-keyspace-events shows: name and value, or nothing. */
  readonly shows: readonly string[];
  /** What CONFIG SET answers. */
  readonly onSet: string;
}

export interface NoRedis {
  readonly url: string;
  close(): Promise<void>;
}

/** A server that speaks Redis' protocol and is none: it answers what the manners say, and else what a greeting needs. */
export const startNoRedis = async (manners: Manners): Promise<NoRedis> => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let unread = '';
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      const { commands, rest } = commandsIn(unread + chunk.toString('latin1'));
      unread = rest;
      for (const command of commands) socket.write(answer(command, manners));
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await once(server.close(), 'close');
    },
  };
};

/** Whole commands, as clients send them: arrays of bulk strings. */
const commandsIn = (text: string): { readonly commands: readonly (readonly string[])[]; readonly rest: string } => {
  const commands: string[][] = [];
  let rest = text;
  for (;;) {
    const words: string[] = [];
    const [head = '', count] = /^\*(\d+)\r\n/.exec(rest) ?? [];
    let at = head.length;
    while (count !== undefined && words.length < Number(count)) {
      const [length = '', bytes] = /^\$(\d+)\r\n/.exec(rest.slice(at)) ?? [];
      const from = at + length.length;
      at = from + Number(bytes) + 2;
      if (bytes === undefined || at > rest.length) return { commands, rest };
      words.push(rest.slice(from, at - 2));
    }
    if (count === undefined) return { commands, rest };
    commands.push(words);
    rest = rest.slice(at);
  }
};

const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;
const array = (items: readonly string[]): string => `*${items.length}\r\n${items.map(bulk).join('')}`;

const answer = ([name = '', first = '', ...more]: readonly string[], manners: Manners): string => {
  switch (`${name} ${first}`.trim().toUpperCase()) {
    case 'PING':
      return '+PONG\r\n';
    case 'CLIENT ID':
      return ':1\r\n';
    case 'INFO SERVER':
      return bulk(manners.info);
    case 'COMMAND INFO':
      return `*${more.length}\r\n${'*0\r\n'.repeat(more.length)}`;
    case 'CONFIG GET':
      return array(more[0] === 'notify-keyspace-events' ? manners.shows : []);
    case 'CONFIG SET':
      return manners.onSet;
    case 'ACL WHOAMI':
      return bulk('default');
    default:
      return name.toUpperCase() === 'GET' ? '$-1\r\n' : '+OK\r\n';
  }
};
