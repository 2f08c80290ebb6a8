import { readFileSync } from 'node:fs';

/** Linux tells CPU time in hundredths of a second, whatever the kernel's own tick. */
const TICKS_PER_SECOND = 100;
const SAMPLE_MS = 100;

/** User and system CPU time that a process has used so far. */
export const cpuSeconds = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name, in parentheses, may hold blanks; state is field 3, utime 14, stime 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
};

/** Resident memory that no file backs: heap, buffers, stacks; not the mapped state store. */
export const anonymousMiB = (pid: number): number => {
  const kib = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) / 1024;
};

/** Watches a process from outside until `stop`, which tells the most anonymous memory that a sample has seen. */
export const watchMemory = (pid: number): { stop(): number } => {
  let peakMiB = anonymousMiB(pid);
  const timer = setInterval(() => {
    peakMiB = Math.max(peakMiB, anonymousMiB(pid));
  }, SAMPLE_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return Math.max(peakMiB, anonymousMiB(pid));
    },
  };
};
