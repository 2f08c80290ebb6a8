import { ERROR_CODES } from '../../core/errors.ts';

/** Where the explanations go in errors.html. */
const PLACE = '<!-- explanations -->';

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const escapeHtml = (text: string): string => text.replace(/[&<>"]/g, (character) => ESCAPES[character] ?? '');

/** Markdown's backticks, which the explanations are written with, are all of it that they use. */
const prose = (text: string): string => escapeHtml(text).replace(/`([^`]+)`/g, '<code>$1</code>');

/** The page on which every error code has a section of its own name, as docs/errors.md does. */
export const explanationsPage = (template: string): string => {
  if (!template.includes(PLACE)) throw new Error(`errors.html has no ${PLACE}`);
  const sections = Object.entries(ERROR_CODES).map(
    ([code, advice]) =>
      `<section id="${code}"><h2><a href="#${code}">${code}</a></h2><p>${prose(advice)}</p></section>`,
  );
  return template.replace(PLACE, () => sections.join('\n'));
};
