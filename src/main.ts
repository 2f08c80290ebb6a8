#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import type { Invocation } from './cli/arguments.ts';
import type { LiveLine } from './cli/terminal/live-line.ts';

// V8 lets a busy heap grow to four times what is alive before it collects, and keeps it (I9; docs/benchmark.md).
setFlagsFromString('--heap-growing-percent=70');

// Everything else is imported once Node is known to be new enough: an old one would fail at the imports, unexplained.
const { version, engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
  readonly engines: { readonly node: string };
};

/** At the bottom of the terminal, where there is one and the command shows one. */
let liveLine: LiveLine | undefined;

const print = (stream: NodeJS.WriteStream, text: string): void => {
  if (liveLine === undefined) stream.write(text);
  else liveLine.around(() => stream.write(text));
};
const out = (line: string): void => {
  print(process.stdout, `${line}\n`);
};
const err = (line: string): void => {
  print(process.stderr, `keyferry: ${line}\n`);
};

/** undefined where the stream is no terminal, or one that cannot move its cursor. */
const showLiveLine = async (stream: typeof process.stdout | typeof process.stderr): Promise<LiveLine | undefined> => {
  if (!stream.isTTY || process.env['TERM'] === 'dumb') return undefined;
  const [{ LiveLine }, { openTerminal }, { systemClock }] = await Promise.all([
    import('./cli/terminal/live-line.ts'),
    import('./cli/terminal/open-terminal.ts'),
    import('./core/clock.ts'),
  ]);
  const line = new LiveLine(openTerminal(stream, systemClock));
  stream.on('resize', () => {
    line.draw();
  });
  process.on('exit', () => {
    line.close();
  });
  liveLine = line;
  return line;
};

/**
 * What a signal does: it ends us at once, until `run` drains instead. Without a handler, the kernel would keep it from the
 * first process of a container altogether.
 */
let onSignal = (_name: string, status: number): void => process.exit(status);
for (const [name, status] of [
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const) {
  process.on(name, () => {
    onSignal(name, status);
  });
}

/** The first SIGTERM or SIGINT drains, the second one ends at once. */
const stopSignal = (): AbortSignal => {
  const stop = new AbortController();
  onSignal = (name, status) => {
    if (stop.signal.aborted) process.exit(status);
    err(`${name}: draining; a second one ends at once`);
    stop.abort();
  };
  return stop.signal;
};

const execute = async (invocation: Invocation & { kind: 'command' }): Promise<number> => {
  const [{ loadConfig }, { systemClock: clock }] = await Promise.all([
    import('./config/load-config.ts'),
    import('./core/clock.ts'),
  ]);
  const readFile = (path: string): string => readFileSync(path, 'utf8');
  const config = loadConfig({ file: invocation.configFile, environment: process.env, readFile });
  const keyspaces = config.sources.filter((source) => source.type === 'keyspace');
  const events = config.sources.filter((source) => source.type !== 'keyspace');
  switch (invocation.command) {
    case 'config': {
      const { printConfig } = await import('./config/print-config.ts');
      out(printConfig(config).trimEnd());
      return 0;
    }
    case 'check': {
      const { check } = await import('./cli/check.ts');
      return check({ config: { ...config, sources: keyspaces, events }, clock, out });
    }
    case 'verify': {
      const { verify } = await import('./cli/verify.ts');
      const line = await showLiveLine(process.stderr);
      return verify({ config: { ...config, sources: keyspaces }, clock, out, line, limit: invocation.limit });
    }
    case 'run': {
      const [{ run }, { runDaemon }] = await Promise.all([import('./cli/run.ts'), import('./app/daemon.ts')]);
      const { runScreen } = await import('./cli/terminal/run-screen.ts');
      const line = config.log.format === 'json' ? undefined : await showLiveLine(process.stdout);
      const screen = line && runScreen(line);
      const daemon = (signal: AbortSignal): Promise<void> => runDaemon({ config, version, signal, screen });
      return run({ daemon, stop: stopSignal(), clock, err });
    }
  }
};

const main = async (): Promise<number> => {
  const { parseArguments } = await import('./cli/arguments.ts');
  const invocation = parseArguments(process.argv.slice(2), process.env);
  switch (invocation.kind) {
    case 'help':
      out(invocation.text);
      return 0;
    case 'version':
      out(version);
      return 0;
    case 'command':
      return execute(invocation);
  }
};

/** One clear line, and the documented status; a stack trace only for whoever debugs. */
const fail = async (error: unknown): Promise<never> => {
  const [{ isKeyferryError, messageOf }, { exitStatusOf }] = await Promise.all([
    import('./core/errors.ts'),
    import('./cli/exit-status.ts'),
  ]);
  const debugging = process.env['KEYFERRY_LOG_LEVEL'] === 'debug';
  if (isKeyferryError(error)) err(`${error.code}: ${error.message}`);
  else err(`unexpected: ${messageOf(error)}${debugging ? '' : ' (KEYFERRY_LOG_LEVEL=debug shows where)'}`);
  if (debugging && error instanceof Error && error.stack !== undefined) err(error.stack);
  process.exit(exitStatusOf(error));
};

const isNodeNewEnough = (): boolean => {
  const numbers = (text: string): number[] => [...text.matchAll(/\d+/g)].map(Number);
  const [wanted, found] = [numbers(engines.node), numbers(process.versions.node)];
  const differs = wanted.findIndex((number, at) => number !== found[at]);
  return differs === -1 || (found[differs] ?? 0) > (wanted[differs] ?? 0);
};

// A reader that has seen enough (`keyferry verify | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

if (isNodeNewEnough()) {
  process.on('uncaughtException', (error) => void fail(error));
  main().then((status) => process.exit(status), fail);
} else {
  err(`needs Node ${engines.node}, and this is ${process.versions.node}: install a newer one`);
  process.exit(2);
}
