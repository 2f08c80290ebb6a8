import { expect } from 'vitest';
import type { Namespace } from './kubernetes.ts';

/** Prints what /proc tells of the first process, and a line for each file that was to be written. */
const LOOK = {
  sh: `cat /proc/1/status
    for file; do
      answer=$( (echo >"$file") 2>&1 ) && answer=written
      case $answer in *Read-only*) answer=EROFS ;; esac
      echo "$file: $answer"
    done`,
  node: `const { readFileSync, writeFileSync } = require('node:fs');
    const write = (file) => { try { writeFileSync(file, ''); return 'written'; } catch ({ code }) { return code; } };
    console.log(readFileSync('/proc/1/status', 'utf8'));
    for (const file of process.argv.slice(1)) console.log(file + ': ' + write(file));`,
} as const;

interface Confinement {
  readonly container: string;
  /** What there is in it to look with. */
  readonly by: keyof typeof LOOK;
  readonly uid: number;
  /** What comes of writing there: `written`, or EROFS. */
  readonly files: Readonly<Record<string, string>>;
}

/** The chart's containers: users of their own, on file systems that they cannot write to, but for volumes. */
export const CONFINED = {
  keyferry: {
    container: 'keyferry',
    by: 'node',
    uid: 1000,
    files: { '/x': 'EROFS', '/app/x': 'EROFS', '/tmp/x': 'written' },
  },
  redis: { container: 'redis', by: 'sh', uid: 1001, files: { '/x': 'EROFS', '/tmp/x': 'EROFS' } },
  envoy: { container: 'redis-proxy', by: 'sh', uid: 101, files: { '/x': 'EROFS', '/tmp/x': 'EROFS' } },
} as const satisfies Readonly<Record<string, Confinement>>;

/** Sees from inside of a container that it is so, and that it can have no capability and gain no privilege. */
export const expectConfined = async (
  namespace: Namespace,
  pod: string,
  { container, by, uid, files }: Confinement,
): Promise<void> => {
  const command = by === 'sh' ? ['sh', '-c', LOOK.sh, 'sh'] : ['node', '-e', LOOK.node];
  const exec = ['exec', pod, '--container', container, '--', ...command, ...Object.keys(files)];
  const answer = await namespace.kubectl(exec);
  const told = new Map(answer.split('\n').map((line) => line.split(/:\s+/, 2) as [string, string | undefined]));
  expect(
    {
      uid: Number.parseInt(told.get('Uid') ?? '', 10),
      capabilities: told.get('CapBnd'),
      noNewPrivileges: told.get('NoNewPrivs'),
      files: Object.fromEntries(Object.keys(files).map((file) => [file, told.get(file)])),
    },
    `${container} in ${pod}`,
  ).toEqual({ uid, capabilities: '0'.repeat(16), noNewPrivileges: '1', files });
};
