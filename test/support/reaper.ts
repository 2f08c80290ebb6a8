/**
 * A process of its own that outlives its parent by a moment, however that one ends: kills the processes still named and
 * deletes the directory given as its argument. Input lines: `+PID` a process was started, `-PID` it has gone.
 */
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

const running = new Set<number>();
for await (const line of createInterface({ input: process.stdin })) {
  const pid = Number(line.slice(1));
  if (line.startsWith('+')) running.add(pid);
  else running.delete(pid);
}
for (const pid of running) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has gone by itself.
  }
}
rmSync(process.argv[2] ?? '', { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
