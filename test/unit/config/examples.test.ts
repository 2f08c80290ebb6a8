import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load-config.ts';

const FOLDER = new URL('../../../config/', import.meta.url);
const examples = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml') && !name.startsWith('compose'));

describe('each example configuration', () => {
  it.each(examples)('is loaded as it stands, with nothing set in the environment: %s', (name) => {
    const readFile = (path: string): string => (path === name ? readFileSync(new URL(name, FOLDER), 'utf8') : 'secret');
    const config = loadConfig({ file: name, environment: {}, readFile });
    expect(config.sources.length + config.sinks.length).toBeGreaterThan(0);
  });
});
