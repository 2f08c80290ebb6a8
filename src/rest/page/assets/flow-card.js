import { FlowChart } from './chart.js';
import { copyOf, part, setAttribute, setText } from './dom.js';
import { count, latency, rate, span, time } from './format.js';
import { GapTimeline } from './gap-timeline.js';
import { FLOW_STATES } from './states.js';

/** @typedef {import('./api-types.d.ts').Flow} Flow */
/** @typedef {'sources' | 'sinks'} Kind */

/**
 * What a visitor may ask of a flow.
 * @typedef {object} FlowActions
 * @property {(flow: Flow, kind: Kind) => void} pause or resume
 * @property {(flow: Flow) => void} snapshot
 * @property {(flow: Flow, mayAct: boolean) => void} deadLetters
 */

/** A source or a sink on the page: built once, then only written to. */
export class FlowCard {
  root = copyOf('flow');
  #kind;
  #chart = new FlowChart(part(this.root, 'chart', HTMLElement), part(this.root, 'readout', HTMLElement));
  #gaps = new GapTimeline({
    line: part(this.root, 'gaps-line', HTMLElement),
    from: part(this.root, 'gaps-from', HTMLElement),
    words: part(this.root, 'gaps-words', HTMLElement),
    list: part(this.root, 'gaps-list', HTMLElement),
  });
  /** @type {Flow} */
  #flow;
  #mayAct = false;

  /**
   * @param {Kind} kind
   * @param {Flow} flow
   * @param {FlowActions} actions
   */
  constructor(kind, flow, actions) {
    this.#kind = kind;
    this.#flow = flow;
    this.#write('name', flow.name);
    this.#write('type', flow.type);
    this.#write('waiting-name', kind === 'sources' ? 'pending' : 'lag');
    this.root.setAttribute('aria-label', `${kind === 'sources' ? 'Source' : 'Sink'} ${flow.name}`);
    this.#button('snapshot', `of ${flow.name}`, () => actions.snapshot(this.#flow));
    this.#button('letters', `of ${flow.name}`, () => actions.deadLetters(this.#flow, this.#mayAct));
    this.#button('pause', flow.name, () => actions.pause(this.#flow, kind));
  }

  close() {
    this.root.remove();
    this.#chart.close();
  }

  /** What the daemon told; cheap, and done while nobody looks too, so that the chart has no hole. @param {Flow} flow @param {number} at */
  told(flow, at) {
    this.#flow = flow;
    this.#chart.add(at, flow.now);
  }

  /** @param {{ at: number, mayAct: boolean, withLetters: ReadonlySet<string> }} surroundings */
  draw({ at, mayAct, withLetters }) {
    const flow = this.#flow;
    this.#mayAct = mayAct;
    const { tone, glyph, words } = FLOW_STATES[flow.state] ?? FLOW_STATES.waiting;
    setAttribute(this.root, 'data-tone', tone);
    setAttribute(part(this.root, 'glyph', SVGUseElement), 'href', `#glyph-${glyph}`);
    this.#write('state', words);
    this.#drawFigures(flow);
    this.#drawError(flow, at);
    this.#drawProgress(flow);
    this.#drawActions(flow, mayAct, withLetters);
    const gaps = part(this.root, 'gaps', HTMLDetailsElement);
    gaps.hidden = flow.type !== 'keyspace' && flow.gapHistory.length === 0;
    if (!gaps.hidden) this.#gaps.draw(flow.gapHistory, at);
    this.#chart.draw();
  }

  /** @param {Flow} flow */
  #drawFigures(flow) {
    this.#write('rate', rate(flow.now.perSecond));
    this.#write('p50', latency(flow.now.p50Ms));
    this.#write('p99', latency(flow.now.p99Ms));
    this.#write('waiting', count(this.#kind === 'sources' ? flow.pending : flow.lag));
    this.#write('records', count(flow.records));
    this.#write('unchanged', count(flow.unchanged));
    this.#write('filtered', count(flow.filtered));
    this.#write('dead-letters', count(flow.deadLetters));
    setAttribute(part(this.root, 'dead-letters', HTMLElement), 'data-tone', flow.deadLetters > 0 ? 'busy' : '');
  }

  /** @param {Flow} flow @param {number} at */
  #drawError({ lastError, reasons, state }, at) {
    const isNow = state === 'waiting' || state === 'failed';
    // Mostly the error is the reason.
    const others = reasons.filter((reason) => lastError === null || !reason.includes(lastError.message));
    this.#write('reasons', isNow ? others.join('; ') : '');
    const box = part(this.root, 'error', HTMLElement);
    box.hidden = lastError === null;
    if (lastError === null) return;
    setAttribute(box, 'data-now', String(isNow));
    const code = part(this.root, 'error-code', HTMLAnchorElement);
    setText(code, lastError.code);
    setAttribute(code, 'href', `page/errors#${encodeURIComponent(lastError.code)}`);
    this.#write('error-time', time(lastError.at, at));
    this.#write('error-message', lastError.message);
  }

  /** A snapshot, else the reconcile that closes a gap. @param {Flow} flow */
  #drawProgress(flow) {
    const work = workOf(flow);
    part(this.root, 'progress', HTMLElement).hidden = work === undefined;
    if (work === undefined) return;
    const bar = part(this.root, 'progress-bar', HTMLProgressElement);
    const total = Math.max(work.total, work.done, 1);
    bar.max = total;
    bar.value = work.done;
    const left = flow.paused ? ', paused' : work.remainingMs === null ? '' : `, ${span(work.remainingMs)} to go`;
    this.#write('progress-words', `${work.words}: ${count(work.done)} of about ${count(total)} keys${left}`);
  }

  /** @param {Flow} flow @param {boolean} mayAct @param {ReadonlySet<string>} withLetters */
  #drawActions(flow, mayAct, withLetters) {
    part(this.root, 'snapshot', HTMLElement).hidden = !mayAct || flow.type !== 'keyspace';
    part(this.root, 'letters', HTMLElement).hidden = flow.deadLetters === 0 && !withLetters.has(flow.name);
    const pause = part(this.root, 'pause', HTMLElement);
    pause.hidden = !mayAct;
    const words = flow.paused ? 'Resume' : 'Pause';
    setText(pause, words);
    setAttribute(pause, 'aria-label', `${words} ${flow.name}`);
  }

  /** @param {string} name @param {string} text */
  #write(name, text) {
    setText(part(this.root, name, HTMLElement), text);
  }

  /** @param {string} name @param {string} of @param {() => void} act */
  #button(name, of, act) {
    const button = part(this.root, name, HTMLButtonElement);
    button.setAttribute('aria-label', `${button.textContent} ${of}`);
    button.addEventListener('click', act);
  }
}

/** @param {Flow} flow */
const workOf = ({ snapshot, repair }) => {
  if (snapshot && snapshot.endedAt === null) {
    const { match, done, total } = snapshot;
    return { words: match === null ? 'Snapshot' : `Snapshot of ${match}`, done, total, remainingMs: null };
  }
  if (repair === null) return undefined;
  const { keysDone, keysEstimated, remainingMs } = repair;
  return { words: 'Comparing', done: keysDone, total: keysEstimated, remainingMs };
};
