import type { FastifyInstance } from 'fastify';
import { isKeyferryError, messageOf } from '../../core/errors.ts';
import { type Admin, AdminRefusal } from './admin.ts';
import { type AuditOptions, addAudit } from './audit.ts';
import { addLetterRoutes } from './letter-routes.ts';
import { NAME, PAUSED, SNAPSHOT, SNAPSHOT_BODY } from './schemas.ts';

export interface AdminRoutesOptions extends AuditOptions {
  readonly admin: Admin;
}

interface Named {
  readonly name: string;
}

/** Control over flows and dead letters, below the path of the API. */
export const addAdminRoutes = (api: FastifyInstance, options: AdminRoutesOptions): void => {
  void api.register((scope, _options, done) => {
    addAudit(scope, options);
    addErrors(scope);
    addFlowRoutes(scope, options);
    addLetterRoutes(scope, options.admin.letters);
    done();
  });
};

/** Errors that an operator can do something about are told in full; the server's own handler does the others. */
const addErrors = (api: FastifyInstance): void => {
  api.setErrorHandler((error, request, reply) => {
    if (error instanceof AdminRefusal) {
      request.audit = { ...request.audit, reason: error.message };
      return reply.code(error.statusCode).send({ error: { code: error.code, message: error.message } });
    }
    if (!isKeyferryError(error)) throw error;
    request.audit = { ...request.audit, code: error.code, reason: messageOf(error) };
    const status = error.code === 'KF_BUSY' ? 409 : 503;
    return reply.code(status).send({ error: { code: error.code, message: error.message } });
  });
};

const addFlowRoutes = (api: FastifyInstance, { admin }: AdminRoutesOptions): void => {
  for (const part of ['sources', 'sinks'] as const) {
    const noun = part.slice(0, -1);
    for (const action of ['pause', 'resume'] as const) {
      const schema = {
        summary: `${action === 'pause' ? 'Pause' : 'Resume'} a ${noun}`,
        operationId: `${action}-${noun}`,
        params: NAME,
        response: PAUSED,
      };
      const config = { scope: 'admin', action: `${action} ${noun}` } as const;
      api.put<{ Params: Named }>(`/${part}/:name/${action}`, { config, schema }, async ({ params: { name } }) => {
        const paused = action === 'pause';
        await admin.setPaused(part, name, paused);
        return { name, paused };
      });
    }
  }
  const schema = {
    summary: 'Publish keys again, changed or not',
    operationId: 'snapshot-source',
    params: NAME,
    body: SNAPSHOT_BODY,
    response: SNAPSHOT,
  };
  const config = { scope: 'admin', action: 'snapshot source' } as const;
  api.post<{ Params: Named; Body: { readonly match?: string | null } | null }>(
    '/sources/:name/snapshot',
    { config, schema },
    async (request, reply) => {
      const { name } = request.params;
      const match = request.body?.match ?? null;
      request.audit = { match };
      const snapshot = await admin.snapshot(name, match);
      return reply.code(202).send({ name, snapshot });
    },
  );
};
