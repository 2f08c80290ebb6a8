import { connect } from 'node:net';

const ANSWER_MS = 2_000;

/** Whether a Redis answers commands: not while it loads its data. One that wants a password counts. */
export const redisAnswers = async (host: string, port: number): Promise<boolean> => {
  const reply = await ask(host, port, Buffer.from('PING\r\n'), (bytes) => bytes.includes('\r\n'));
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
  const reply = await ask(host, port, request, (bytes) => bytes.length >= 12);
  return reply !== undefined && reply.readInt32BE(8) > 0; // after size and correlation id: how many brokers
};

/** Sends, and gives what came back once it suffices; undefined where it did not come. */
const ask = (
  host: string,
  port: number,
  request: Buffer,
  suffices: (bytes: Buffer) => boolean,
): Promise<Buffer | undefined> =>
  new Promise((resolve) => {
    const socket = connect({ host, port });
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
