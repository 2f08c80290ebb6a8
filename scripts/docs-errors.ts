/** Writes docs/errors.md from src/core/errors.ts: npm run docs:errors. */
import { writeFileSync } from 'node:fs';
import { ERROR_CODES } from '../src/core/errors.ts';

const INTRODUCTION = `# Errors

Generated from \`src/core/errors.ts\` by \`npm run docs:errors\`: do not edit it here.

Each error that a log line, the status or a command shows carries one of these codes. Codes are stable: alerts may name them.
`;

export const errorsDocument = (): string =>
  [INTRODUCTION, ...Object.entries(ERROR_CODES).map(([code, advice]) => `## ${code}\n\n${advice}\n`)].join('\n');

if (import.meta.main) writeFileSync(new URL('../docs/errors.md', import.meta.url), errorsDocument());
