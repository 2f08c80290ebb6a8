import { token } from './api.js';
import { byId, setText } from './dom.js';

const dialog = byId('login', HTMLDialogElement);
const input = byId('login-token', HTMLInputElement);
const error = byId('login-error', HTMLParagraphElement);
const signOut = byId('sign-out', HTMLButtonElement);

/** Asks for a token, and says so where the one that was given is not taken. */
export const askForToken = () => {
  setText(error, token.get() === null ? '' : 'The daemon does not take this token.');
  token.forget();
  setText(signOut, 'Sign in');
  signOut.hidden = false;
  if (!dialog.open) dialog.showModal();
  input.select();
};

/** The daemon answers: with a token, or because it needs none. */
export const tokenIsTaken = () => {
  signOut.hidden = token.get() === null;
  setText(signOut, 'Sign out');
  input.value = '';
  if (dialog.open) dialog.close();
};

/** @param {() => void} given called when there is a token to try */
export const onToken = (given) => {
  byId('login-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    setText(error, '');
    token.set(input.value.trim());
    given();
  });
  signOut.addEventListener('click', () => {
    if (token.get() === null) {
      askForToken();
      return;
    }
    token.forget();
    // Nothing that the token showed stays on the screen.
    location.reload();
  });
};
