/** The status page: what the daemon tells every second, drawn at most once a frame. */
import { actions } from './actions.js';
import { call } from './api.js';
import { flowsWithLetters } from './dead-letters.js';
import { byId, onceAFrame } from './dom.js';
import { FlowCard } from './flow-card.js';
import { LiveStream } from './live-stream.js';
import { askForToken, onToken, tokenIsTaken } from './login.js';
import { TailControls } from './tail-controls.js';
import { Tail } from './tail.js';
import { announce, drawLive, drawSilence, drawTruth } from './truth.js';

/** @typedef {import('./api-types.d.ts').Status} Status */

/** The status comes every second; a page that has not heard for so long says so. */
const STALE_MS = 3_500;
const KINDS = /** @type {const} */ (['sources', 'sinks']);

/** @type {Status | undefined} */
let status;
let heardAt = 0;
let reason = '';
let isConnected = false;
let mayAct = false;
/** @type {ReadonlySet<string>} */
let withLetters = new Set();

/** @type {Map<string, FlowCard>} */
const cards = new Map();
const tail = new Tail();
const controls = new TailControls({
  asked: () => {
    tail.clear();
    stream.restart();
  },
  changed: () => {
    stream.restart();
  },
});

const draw = onceAFrame(() => {
  if (status === undefined) return;
  const { at } = status;
  drawTruth(status);
  controls.offer(status);
  for (const kind of KINDS) byId(`${kind}-section`, HTMLElement).hidden = status[kind].length === 0;
  byId('changes', HTMLElement).hidden = false;
  for (const card of cards.values()) card.draw({ at, mayAct, withLetters });
});

/** A restarted daemon may have other flows. @param {Status} told */
const keepCards = (told) => {
  const seen = new Set();
  for (const kind of KINDS) {
    for (const flow of told[kind]) {
      const id = `${kind}/${flow.name}`;
      seen.add(id);
      const card = cards.get(id) ?? new FlowCard(kind, flow, actions);
      if (!cards.has(id)) byId(kind, HTMLElement).append(card.root);
      cards.set(id, card);
      card.told(flow, told.at);
    }
  }
  for (const [id, card] of cards) {
    if (seen.has(id)) continue;
    card.close();
    cards.delete(id);
  }
};

/** What is asked once per connection: what this visitor may do, and which flows have dead letters. */
const learn = async () => {
  const answer = /** @type {{ access: string }} */ (await call('GET', 'access'));
  mayAct = answer.access === 'admin';
  byId('read-only', HTMLElement).hidden = mayAct;
  draw();
  withLetters = await flowsWithLetters();
  draw();
};

/** @param {Status} told */
const toldStatus = (told) => {
  status = told;
  heardAt = Date.now();
  reason = '';
  if (!isConnected) {
    isConnected = true;
    tokenIsTaken();
    learn().catch(() => {
      // It is asked again with the next connection. Until then nothing is offered that may be refused.
    });
  }
  keepCards(told);
  announce(told);
  lookForSilence();
  draw();
};

const lookForSilence = () => {
  const silentMs = Date.now() - heardAt;
  if (status === undefined) {
    if (reason !== '') drawSilence({ silentMs, reason, wasHeard: false });
  } else if (silentMs > STALE_MS) drawSilence({ silentMs, reason, wasHeard: true });
  else drawLive(isConnected);
};

const stream = new LiveStream(() => controls.path(), {
  received: (event, data) => {
    if (event === 'status') toldStatus(data);
    else if (event === 'changes') tail.add(data);
  },
  lost: (why) => {
    reason = why;
    isConnected = false;
    lookForSilence();
  },
  denied: () => {
    reason = 'A valid token is needed.';
    isConnected = false;
    askForToken();
    lookForSilence();
  },
});

onToken(() => {
  stream.restart();
});
setInterval(lookForSilence, 1_000);
stream.restart();
