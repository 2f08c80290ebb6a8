import type { FastifyInstance } from 'fastify';
import type { TailFilter } from './change-tail.ts';
import { Audience, type AudienceOptions } from './audience.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its answer has no end: a client is cut off where it does not read, not where that takes long. */
    readonly isEndless?: boolean;
  }
}

interface Query extends TailFilter {
  readonly tail?: '0' | '1';
}

const schema = {
  operationId: 'events',
  summary: 'Server-sent events: `status` at once and each second, and with `tail=1` also `changes`.',
  querystring: {
    type: 'object',
    properties: {
      tail: { type: 'string', enum: ['0', '1'], description: '1: send the changes that pass, too.' },
      match: {
        type: 'string',
        minLength: 1,
        maxLength: 1_000,
        description: 'Only of keys that match this Redis glob.',
      },
      source: { type: 'string', maxLength: 1_000, description: 'Only of this source.' },
      sink: { type: 'string', maxLength: 1_000, description: 'Only of this sink.' },
    },
  },
} as const;

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // Nothing else could follow on this connection; and nginx would hold events back.
  connection: 'close',
  'x-accel-buffering': 'no',
};

/** GET /events. */
export const addEvents = (api: FastifyInstance, options: AudienceOptions): void => {
  const audience = new Audience(options);
  // A HEAD would be answered by a stream that nobody reads.
  const route = { schema, exposeHeadRoute: false, config: { scope: 'read', isEndless: true } } as const;
  api.get<{ Querystring: Query }>('/events', route, async ({ query: { tail, ...filter } }, reply) => {
    const { sources, sinks } = await options.status();
    for (const [kind, flows] of [
      ['source', sources],
      ['sink', sinks],
    ] as const) {
      const name = filter[kind];
      if (name !== undefined && !flows.some((flow) => flow.name === name))
        return reply.code(404).send({ error: { code: 'not_found', message: `there is no ${kind} "${name}"` } });
    }
    const stream = await audience.admit(tail === '1' ? filter : undefined);
    return reply.headers(HEADERS).send(stream);
  });
  api.addHook('preClose', () => {
    audience.close();
  });
};
