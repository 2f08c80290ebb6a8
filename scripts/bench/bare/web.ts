/** A bare route: fastify, one JSON body in, one answer out. Writes its port, and serves until it is killed. */
import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';

const server = Fastify({ logger: false });
server.post('/redis', (_request, reply) => reply.send({ result: 'OK' }));
await server.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`${(server.server.address() as AddressInfo).port}\n`);
