import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configurationDocument } from '../../../scripts/docs-config.ts';
import { errorsDocument } from '../../../scripts/docs-errors.ts';

const stored = (name: string): string => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');

describe('generated documentation', () => {
  it('of the configuration is that of the schema (npm run docs:config)', () => {
    expect(stored('configuration.md')).toBe(configurationDocument());
  });

  it('of the errors is that of the list (npm run docs:errors)', () => {
    expect(stored('errors.md')).toBe(errorsDocument());
  });
});
