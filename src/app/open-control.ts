import { connectKafka } from '../clients/kafka/connect.ts';
import { LetterDesk } from '../dead-letters/letter-desk.ts';
import type { Addressee } from '../dead-letters/redelivery.ts';
import { Control } from './control.ts';
import type { Flow, Tools } from './flows.ts';

/** What can be done to the flows over HTTP; before they run, those that were paused are paused again. */
export const openControl = (
  { sources, sinks }: { readonly sources: readonly Flow[]; readonly sinks: readonly Flow[] },
  { config, store, clock, metrics }: Tools,
): Control => {
  for (const { name, pause } of sources) metrics.flowPaused('source', name, () => pause.isPaused);
  for (const { name, pause } of sinks) metrics.flowPaused('sink', name, () => pause.isPaused);
  const letters = new LetterDesk({
    sources: sources.filter(takesLettersBack),
    sinks: sinks.filter(takesLettersBack),
    kafka: connectKafka(config.kafka),
    notes: store.notes,
    clock,
  });
  return new Control({ sources, sinks, letters, notes: store.notes });
};

/** What a keyspace source cannot publish it leaves out, and tells so. */
const takesLettersBack = (flow: Flow): flow is Flow & Addressee => 'redeliver' in flow;
