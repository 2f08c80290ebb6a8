import type { Bench } from './bench.ts';
import { writeString } from './load.ts';
import { type LoadFigures, type Mirror, load, startMirror } from './mirror.ts';

const KEYS = 1_000_000;
const NAME = 'strings';

export interface LoadedMirror {
  /** Of its source and metrics. */
  readonly name: string;
  readonly mirror: Mirror;
  readonly loaded: LoadFigures;
}

/** A mirror of a million string keys: loaded once, by the first scenario that asks, and shared by the others. */
export class MillionKeys {
  #loaded: Promise<LoadedMirror> | undefined;

  get(bench: Bench): Promise<LoadedMirror> {
    this.#loaded ??= this.#load(bench);
    return this.#loaded;
  }

  async stop(): Promise<void> {
    const loaded = await this.#loaded;
    this.#loaded = undefined;
    await loaded?.mirror.stop();
  }

  async #load(bench: Bench): Promise<LoadedMirror> {
    const count = bench.scaled(KEYS);
    bench.say(`mirroring ${count} keys`);
    const mirror = await startMirror(bench, NAME);
    return { name: NAME, mirror, loaded: await load(mirror, { name: NAME, write: writeString, count }) };
  }
}
