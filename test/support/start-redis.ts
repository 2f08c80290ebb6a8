/** Starts a Redis, prints its port and waits: for the test of what becomes of it when this process is killed. */
import { stackProvider } from './provider.ts';

const { port } = await (await stackProvider()).startRedis();
process.stdout.write(`${port}\n`);
setInterval(() => undefined, 60_000);
