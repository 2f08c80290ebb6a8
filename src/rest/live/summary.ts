import { countOf, countText, durationText } from '../../core/words.ts';
import type { FlowStatus, Summary } from './status.ts';

export interface SummaryInput {
  /** Unix ms. */
  readonly at: number;
  readonly sources: readonly FlowStatus[];
  readonly sinks: readonly FlowStatus[];
  /** Unix ms at which Kafka was found out of reach; undefined: it answers. */
  readonly kafkaAwaySince: number | undefined;
}

/** From here on a flow is behind, and not just on its way. */
const BEHIND_MS = 1_000;

const WAITING_NOUNS: Record<FlowStatus['type'], string> = {
  keyspace: 'changed key',
  stream: 'entry',
  list: 'item',
  sink: 'record',
};

/** What is true of all flows together, the worst first. */
export const summarize = (input: SummaryInput): Summary => {
  const { sources, sinks } = input;
  const flows = [...sources, ...sinks];
  if (flows.length === 0) return { state: 'empty', text: 'Nothing to do: no source and no sink is configured' };
  // What rests on purpose is neither repaired nor behind.
  const atWork = flows.filter((flow) => !flow.paused);
  const found = disconnected(input, flows) ?? repairing(input, atWork) ?? behind(atWork) ?? paused(flows);
  const behindMs = furthestBehind(sources);
  return {
    ...(found ?? { state: 'in-sync', text: inSync(behindMs) }),
    ...(behindMs !== undefined && { behindMs }),
  };
};

const inSync = (behindMs: number | undefined): string =>
  behindMs === undefined ? 'In sync' : `In sync, ${durationText(behindMs)} behind`;

const furthestBehind = (flows: readonly FlowStatus[]): number | undefined => {
  const known = flows.filter(({ paused }) => !paused).flatMap(({ behindMs }) => behindMs ?? []);
  return known.length === 0 ? undefined : Math.max(...known);
};

const disconnected = ({ at, kafkaAwaySince }: SummaryInput, flows: readonly FlowStatus[]): Summary | undefined => {
  if (kafkaAwaySince !== undefined) {
    const text = `Kafka is out of reach for ${durationText(at - kafkaAwaySince)}${whatWaits(flows)}`;
    return { state: 'disconnected', text };
  }
  const [first, ...others] = flows.filter(({ state }) => state === 'waiting' || state === 'failed');
  if (first === undefined) return undefined;
  const { reasons, phase, waitingSince, state } = first;
  const does = state === 'failed' ? 'failed' : 'waits';
  const age = waitingSince === null ? '' : ` for ${durationText(at - waitingSince)}`;
  const text = `${nameOf(first)} ${does}${age}: ${reasons[0] ?? phase}${andMore(others.length)}`;
  return { state: 'disconnected', text };
};

const whatWaits = (flows: readonly FlowStatus[]): string => {
  const waiting = flows.flatMap(({ type, pending }) =>
    typeof pending === 'number' && pending > 0 ? [amount(pending, type)] : [],
  );
  return waiting.length === 0 ? '' : `: ${waiting.join(', ')} wait`;
};

const repairing = ({ at }: SummaryInput, flows: readonly FlowStatus[]): Summary | undefined => {
  const open = flows
    .flatMap((source) => source.gaps.map((gap) => ({ source, gap })))
    .toSorted((one, other) => one.gap.openedAt - other.gap.openedAt);
  const [longest, ...others] = open;
  if (longest === undefined) return undefined;
  const { repair } = longest.source;
  const progress =
    repair === null
      ? 'to be repaired'
      : `repairing: ${countText(repair.keysDone)} of about ${countText(repair.keysEstimated)} keys`;
  const age = durationText(at - longest.gap.openedAt);
  return { state: 'repairing', text: `Gap on ${longest.gap.scope} for ${age}, ${progress}${andMore(others.length)}` };
};

const paused = (flows: readonly FlowStatus[]): Summary | undefined => {
  const names = flows.filter((flow) => flow.paused).map(({ name }) => name);
  if (names.length === 0) return undefined;
  const others = flows.length - names.length;
  const text = `Paused: ${names.join(', ')}${others === 0 ? '' : `; ${others === 1 ? 'the other one runs' : `${others} others run`}`}`;
  return { state: 'paused', text };
};

const behind = (flows: readonly FlowStatus[]): Summary | undefined => {
  const late = flows.filter(isLate);
  const [first, ...others] = late;
  if (first === undefined) return undefined;
  const { type, behindMs } = first;
  const waiting = waitingAt(first);
  const time = behindMs === null ? '' : `${durationText(behindMs)} behind`;
  const amounts = waiting === 0 ? '' : `${amount(waiting, type)} wait`;
  const text = `${nameOf(first)} is ${[time || 'behind', amounts].filter(Boolean).join(': ')}${andMore(others.length)}`;
  return { state: 'behind', text };
};

/** A source of keys knows how old its oldest change is. Of the others it is told by what passes, or that nothing does. */
const isLate = (flow: FlowStatus): boolean => {
  const { p50Ms } = flow.now;
  if (flow.type === 'keyspace') return flow.behindMs !== null && flow.behindMs >= BEHIND_MS;
  return waitingAt(flow) > 0 && (p50Ms === null || p50Ms >= BEHIND_MS);
};

const waitingAt = ({ type, pending, lag }: FlowStatus): number => (type === 'sink' ? lag : pending) ?? 0;

const amount = (count: number, type: FlowStatus['type']): string => {
  const noun = WAITING_NOUNS[type];
  return countOf(count, noun, noun === 'entry' ? 'entries' : `${noun}s`);
};

const nameOf = ({ type, name }: FlowStatus): string => `${type === 'sink' ? 'Sink' : 'Source'} ${name}`;

const andMore = (count: number): string => (count === 0 ? '' : ` (and ${count} more)`);
