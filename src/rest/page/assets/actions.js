import { call } from './api.js';
import { ask } from './ask.js';
import { askAboutLetters } from './dead-letters.js';

/** @typedef {import('./api-types.d.ts').Flow} Flow */

/** @param {Flow} flow @param {'sources' | 'sinks'} kind */
const pause = ({ name, paused }, kind) => {
  const one = kind === 'sources' ? 'source' : 'sink';
  const path = `${kind}/${encodeURIComponent(name)}`;
  if (paused) {
    ask({
      title: `Resume ${name}?`,
      text: `The ${one} goes on where it stopped.`,
      confirm: 'Resume',
      act: async () => {
        await call('PUT', `${path}/resume`);
        return 'It runs again.';
      },
    });
    return;
  }
  const meanwhile =
    kind === 'sources'
      ? 'It publishes nothing until it is resumed. What changes meanwhile is published then.'
      : 'It applies nothing until it is resumed. Records wait in Kafka, for as long as the topic keeps them.';
  ask({
    title: `Pause ${name}?`,
    text: `${meanwhile} It stays paused over restarts.`,
    confirm: 'Pause',
    act: async () => {
      await call('PUT', `${path}/pause`);
      return 'It is paused.';
    },
  });
};

/** @param {Flow} flow */
const snapshot = ({ name }) => {
  ask({
    title: `Snapshot of ${name}?`,
    text: 'Publishes the state of every key again, changed or not. Live changes go ahead of it.',
    confirm: 'Start',
    input: { label: 'Only keys like (all where empty)', placeholder: 'user:*' },
    act: async (match) => {
      await call('POST', `sources/${encodeURIComponent(name)}/snapshot`, match === '' ? {} : { match });
      return 'It has begun; its card shows how far it is.';
    },
  });
};

/** @param {Flow} flow @param {boolean} mayAct */
const deadLetters = ({ name }, mayAct) => {
  void askAboutLetters(name, mayAct);
};

export const actions = { pause, snapshot, deadLetters };
