import { byId, setText } from './dom.js';

/**
 * @typedef {object} Question
 * @property {string} title
 * @property {string} text what will happen
 * @property {string} [confirm] what the button says; without it there is nothing to answer
 * @property {{ readonly label: string, readonly placeholder: string }} [input]
 * @property {Node} [content] further things to know before the answer
 * @property {(input: string) => Promise<string>} [act] resolves with what has happened, in words
 */

const dialog = byId('ask', HTMLDialogElement);
const input = byId('ask-input', HTMLInputElement);
const result = byId('ask-result', HTMLParagraphElement);
const confirm = byId('ask-confirm', HTMLButtonElement);
const cancel = byId('ask-cancel', HTMLButtonElement);

/** @type {Question | undefined} */
let question;

/**
 * Asks once, acts where the answer is yes, and shows there what came of it.
 * @param {Question} asked
 */
export const ask = (asked) => {
  question = asked;
  setText(byId('ask-title', HTMLHeadingElement), asked.title);
  setText(byId('ask-text', HTMLParagraphElement), asked.text);
  setText(confirm, asked.confirm ?? '');
  setText(cancel, asked.act === undefined ? 'Close' : 'Cancel');
  tell('', '');
  byId('ask-field', HTMLLabelElement).hidden = asked.input === undefined;
  setText(byId('ask-label', HTMLSpanElement), asked.input?.label ?? '');
  input.placeholder = asked.input?.placeholder ?? '';
  input.value = '';
  input.disabled = false;
  confirm.hidden = asked.act === undefined;
  confirm.disabled = false;
  byId('ask-content', HTMLDivElement).replaceChildren(...(asked.content ? [asked.content] : []));
  dialog.showModal();
  (asked.input !== undefined ? input : asked.act !== undefined ? confirm : cancel).focus();
};

/** @param {string} text @param {'' | 'done' | 'refused'} outcome */
const tell = (text, outcome) => {
  result.className = outcome;
  setText(result, text);
};

const answerYes = async () => {
  if (question?.act === undefined || confirm.disabled) return;
  const asked = question;
  confirm.disabled = true;
  input.disabled = true;
  tell('…', '');
  const [text, outcome] = await question.act(input.value.trim()).then(
    (done) => /** @type {const} */ ([done, 'done']),
    (error) => /** @type {const} */ ([error.message, 'refused']),
  );
  // Another question may be on the screen by now.
  if (question !== asked) return;
  tell(text, outcome);
  confirm.hidden = outcome === 'done';
  confirm.disabled = false;
  input.disabled = outcome === 'done';
  setText(cancel, 'Close');
  cancel.focus();
};

byId('ask-form', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  void answerYes();
});
cancel.addEventListener('click', () => {
  dialog.close();
});
dialog.addEventListener('close', () => {
  question = undefined;
});
