import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';

const DESCRIPTION =
  'What a Keyferry daemon tells of its flows, and what can be done to them. The bearer token is http.token, or ' +
  'http.readOnlyToken for what only reads.';

/** Watches which routes are added from now on, and tells of them at `/openapi.json`. */
export const addOpenApi = async (api: FastifyInstance, version: string): Promise<void> => {
  await api.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Keyferry',
        version,
        description: DESCRIPTION,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
  });
  const schema = {
    summary: 'This document',
    operationId: 'openapi',
    response: { 200: { description: 'OpenAPI 3.1', type: 'object', additionalProperties: true } },
  };
  api.get('/openapi.json', { config: { scope: 'read' }, schema }, () => api.swagger());
};
