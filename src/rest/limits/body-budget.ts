import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Refusal, retryAfter } from '../refusal.ts';

const RETRY_MS = 1_000;

/**
 * Bounds the bytes of all bodies that are being received or worked on (I9). A body that does not say how long it is
 * counts as the longest that its route takes.
 */
export const addBodyBudget = (server: FastifyInstance, maxBytes: number): void => {
  const held = new WeakMap<FastifyRequest, number>();
  let heldBytes = 0;
  server.addHook('preParsing', (request, _reply, payload, next) => {
    const bytes = bytesOf(request);
    if (heldBytes + bytes > maxBytes) {
      const message = 'the bodies of other requests take all the room that there is; nothing was run';
      next(new Refusal('overloaded', message, retryAfter(RETRY_MS)));
      return;
    }
    if (bytes > 0) held.set(request, bytes);
    heldBytes += bytes;
    next(null, payload);
  });
  // An answer comes when the body has been worked on, whatever became of the client meanwhile.
  server.addHook('onSend', (request, _reply, payload, next) => {
    heldBytes -= held.get(request) ?? 0;
    held.delete(request);
    next(null, payload);
  });
};

const bytesOf = ({ headers, routeOptions: { bodyLimit } }: FastifyRequest): number => {
  if (headers['transfer-encoding'] !== undefined) return bodyLimit;
  const bytes = Number(headers['content-length'] ?? 0);
  // What is too long is refused before it is read.
  return bytes > bodyLimit ? 0 : bytes;
};
