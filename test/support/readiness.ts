import { readFileSync } from 'node:fs';
import { type Socket, connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { TlsFiles } from './certificates.ts';

const ANSWER_MS = 2_000;

/** As options of node:tls. */
export const pemOf = ({ caFile, certFile, keyFile }: TlsFiles) => ({
  ca: readFileSync(caFile),
  cert: readFileSync(certFile),
  key: readFileSync(keyFile),
});

/**
 * Whether a Redis answers commands: not while it loads its data. One that wants a password counts.
 * @param tls the server's own, where it speaks nothing else.
 */
export const redisAnswers = async (host: string, port: number, tls?: TlsFiles): Promise<boolean> => {
  const socket = tls === undefined ? connect({ host, port }) : connectTls({ host, port, ...pemOf(tls) });
  const reply = await ask(socket, Buffer.from('PING\r\n'), (bytes) => bytes.includes('\r\n'));
  return reply !== undefined && /^(\+PONG|-NOAUTH)/.test(reply.toString('latin1'));
};

const METADATA = 3;
const METADATA_VERSION = 1;

/**
 * Whether a Kafka broker knows a cluster with a broker in it. Written by hand, so that no client under test decides.
 * Format: https://kafka.apache.org/protocol#The_Messages_Metadata
 */
export const kafkaAnswers = async (host: string, port: number): Promise<boolean> => {
  const request = Buffer.alloc(18);
  request.writeInt32BE(request.length - 4, 0);
  request.writeInt16BE(METADATA, 4);
  request.writeInt16BE(METADATA_VERSION, 6);
  request.writeInt16BE(-1, 12); // no client id; an empty list of topics follows
  const reply = await ask(connect({ host, port }), request, (bytes) => bytes.length >= 12);
  return reply !== undefined && reply.readInt32BE(8) > 0; // after size and correlation id: how many brokers
};

/** Sends, and gives what came back once it suffices; undefined where it did not come. */
const ask = (socket: Socket, request: Buffer, suffices: (bytes: Buffer) => boolean): Promise<Buffer | undefined> =>
  new Promise((resolve) => {
    let bytes = Buffer.alloc(0);
    const finish = (answer: Buffer | undefined): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(ANSWER_MS, () => {
      finish(undefined);
    });
    socket.on('connect', () => socket.write(request));
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (suffices(bytes)) finish(bytes);
    });
    socket.on('error', () => {
      finish(undefined);
    });
    socket.on('close', () => {
      finish(undefined);
    });
  });
