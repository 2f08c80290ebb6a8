import { readFileSync, readdirSync } from 'node:fs';
import type { RecordFormat } from '../../../src/core/key-record.ts';
import type { KeyState } from '../../../src/core/key-state.ts';

/** A record as it stands on a topic, and the state that it tells of; undefined for a tombstone. */
export interface RecordFixture {
  readonly name: string;
  readonly format: RecordFormat;
  readonly key: Buffer;
  readonly headers: ReadonlyMap<string, Buffer>;
  readonly value: Buffer | undefined;
  readonly state: KeyState | undefined;
}

interface FixtureFile extends Omit<RecordFixture, 'name' | 'headers'> {
  readonly headers: Readonly<Record<string, string>>;
}

const FOLDER = new URL('../../fixtures/records/', import.meta.url);

/** Every byte string in a file is `{"text": ...}` or `{"base64": ...}`; null stands for undefined. */
export const reviveBytes = (_: string, value: unknown): unknown => {
  if (typeof value !== 'object') return value;
  if (value === null) return undefined;
  if ('text' in value) return Buffer.from(String(value.text), 'utf8');
  if ('base64' in value) return Buffer.from(String(value.base64), 'base64');
  return value;
};

const readFixture = (file: string): RecordFixture => {
  const fixture = JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'), reviveBytes) as FixtureFile;
  const headers = new Map(Object.entries(fixture.headers).map(([name, text]) => [name, Buffer.from(text)]));
  return { ...fixture, name: file.replace('.json', ''), headers };
};

export const recordFixtures: readonly RecordFixture[] = readdirSync(FOLDER).sort().map(readFixture);
