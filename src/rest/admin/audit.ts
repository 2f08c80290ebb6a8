import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger } from '../../core/log.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the log calls it. Absent: it changes nothing. */
    readonly action?: string;
  }
  interface FastifyRequest {
    /** What the log tells of an action beside its name; never a key's value. */
    audit: object;
  }
}

/** Who could not be told from anybody else: these lines would be anybody's to write. */
const UNHEARD = new Set([401, 429]);

export interface AuditOptions {
  readonly logger: Logger;
  /** Whether `http.token` is set: without one, what a request carries proves nothing. */
  readonly hasToken: boolean;
}

/** Tells the log of each action: who asked for it, what it was, and what became of it. */
export const addAudit = (api: FastifyInstance, { logger, hasToken }: AuditOptions): void => {
  api.decorateRequest('audit', null as unknown as object);
  api.addHook('onResponse', (request, reply, next) => {
    const { action } = request.routeOptions.config;
    if (action !== undefined && !UNHEARD.has(reply.statusCode)) {
      const who = { by: byOf(request, hasToken), address: request.ip };
      const what = { action, ...(request.params as object), ...request.audit };
      logger.info({ ...who, ...what, status: reply.statusCode }, 'an admin action');
    }
    next();
  });
};

const byOf = ({ access }: FastifyRequest, hasToken: boolean): string => {
  if (access === 'read') return 'read-only token';
  return hasToken ? 'admin token' : 'no token is set';
};
