import type { KeyferryError } from '../core/errors.ts';
import type { Patience } from './patience.ts';

/** Why a source of events does not deliver just now; empty where it does. */
export const eventSourceHealth = (source: {
  readonly name: string;
  readonly state: 'starting' | 'running' | 'stopped';
  readonly patience: Patience;
  /** Why Kafka does not take records. */
  readonly refusal: KeyferryError | undefined;
}): readonly string[] => {
  const { reasons } = source.patience;
  const starting = source.state === 'starting' && reasons.length === 0 ? ['starting'] : [];
  const refused = source.refusal === undefined ? [] : [`Kafka does not take records: ${source.refusal.message}`];
  return [...starting, ...reasons, ...refused].map((reason) => `source ${source.name}: ${reason}`);
};
