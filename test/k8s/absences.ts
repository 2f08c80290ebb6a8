import type { Namespace } from './kubernetes.ts';

export interface Absences {
  /** Pods that were told to go, in that order, and which others had gone before and were not ready again. */
  readonly departures: readonly { readonly pod: string; readonly beside: readonly string[] }[];
  /** How many at a time had been told to go, and were not ready again. */
  readonly mostAtATime: number;
}

const TEMPLATE = [
  '{.type}',
  '{.object.metadata.name}',
  '{.object.metadata.uid}',
  '{.object.metadata.deletionTimestamp}',
  '{.object.status.conditions[?(@.type=="Ready")].status}',
].join('|');

/**
 * Which pods are told to go while something goes on, and how they come back under their names. One that is not ready for a moment, where
 * nobody told it to go, does not count: nobody waits for such a one.
 */
export const absencesDuring = async (
  namespace: Namespace,
  selector: string,
  what: () => Promise<void>,
): Promise<Absences> => {
  const departures: Absences['departures'][number][] = [];
  const told = new Set<string>();
  const away = new Set<string>();
  let mostAtATime = 0;
  const onEvent = (line: string): void => {
    const [type, pod = '', uid = '', deleted, ready] = line.split('|');
    const isGoing = type === 'DELETED' || deleted !== '';
    if (isGoing && !told.has(uid)) {
      told.add(uid);
      departures.push({ pod, beside: [...away].filter((other) => other !== pod) });
    }
    if (isGoing) away.add(pod);
    else if (ready === 'True') away.delete(pod);
    mostAtATime = Math.max(mostAtATime, away.size);
  };
  await namespace.watched(['pods', '--selector', selector], TEMPLATE, onEvent, what);
  return { departures, mostAtATime };
};
