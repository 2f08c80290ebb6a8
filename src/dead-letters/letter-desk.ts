import type { KafkaDriver } from '../clients/kafka/port.ts';
import type { Clock } from '../core/clock.ts';
import { KeyferryError } from '../core/errors.ts';
import type { Place } from '../core/place.ts';
import type { Notes } from '../state-store/notes.ts';
import { LetterBox } from './letter-box.ts';
import type { LetterChoice, LetterPage, LetterQuery, LetterRow, Letters, Settlement } from './letters.ts';
import { type Stretch, portions } from './portions.ts';
import { type Letter, letterId, letterRow, placeOfLetter } from './read-letter.ts';
import type { Addressee, Redelivered } from './redelivery.ts';
import { SettledLetters } from './settled-letters.ts';
import { Tally } from './tally.ts';

/** What one call may take. */
const MAX_LETTERS = 10_000;
const MAX_MS = 60_000;

export interface LetterDeskOptions {
  readonly sources: readonly Addressee[];
  readonly sinks: readonly Addressee[];
  readonly kafka: KafkaDriver;
  readonly notes: Notes;
  readonly clock: Clock;
}

type Deal = (letters: readonly Letter[]) => Promise<ReadonlyMap<Letter, Redelivered>>;

/** Lists dead letters, gives them back to their flows, and remembers which are done with. */
export class LetterDesk implements Letters {
  readonly topics: readonly string[];
  readonly #options: LetterDeskOptions;
  #isBusy = false;

  constructor(options: LetterDeskOptions) {
    this.#options = options;
    const topics = [...options.sources, ...options.sinks].flatMap(({ deadLetter }) => deadLetter ?? []);
    this.topics = [...new Set(topics)].sort();
  }

  async list({ topic, limit, after }: LetterQuery): Promise<LetterPage> {
    const start = after === undefined ? undefined : placeOfLetter(after);
    const topics = topic === undefined ? this.topics : [topic];
    const rows: LetterRow[] = [];
    let last: Place | undefined;
    await this.#withBox(async (box) => {
      for (const each of topics) {
        if (start !== undefined && each < start.topic) continue;
        const settled = await this.#settled(box, each);
        for (const from of await partitionsFrom(box, each, start)) {
          if (rows.length > limit) return;
          await box.read(settled.next(from), (letter) => {
            if (settled.has(letter.place)) return undefined;
            rows.push(letterRow(letter));
            if (rows.length === limit) last = letter.place;
            return rows.length > limit ? 'enough' : undefined;
          });
        }
      }
    });
    const next = rows.length > limit && last !== undefined ? letterId(last) : null;
    return { letters: rows.slice(0, limit), next };
  }

  retry(which: LetterChoice): Promise<Settlement> {
    return this.#deal(which, (letters) => this.#redeliver(letters));
  }

  discard(which: LetterChoice): Promise<Settlement> {
    return this.#deal(which, (letters) => Promise.resolve(new Map(letters.map((letter) => [letter, 'done'] as const))));
  }

  async #deal(which: LetterChoice, deal: Deal): Promise<Settlement> {
    if (this.#isBusy) throw new KeyferryError('KF_BUSY', 'other dead letters are being retried or discarded: wait');
    this.#isBusy = true;
    try {
      const tally = new Tally();
      await this.#withBox((box) =>
        'ids' in which
          ? this.#dealWithIds(which.ids, { box, deal, tally })
          : this.#dealWithTopic(which.topic, { box, deal, tally }),
      );
      return tally.settlement();
    } finally {
      this.#isBusy = false;
    }
  }

  async #dealWithTopic(topic: string, action: Action): Promise<void> {
    const { clock } = this.#options;
    const start = clock.monotonic();
    const settled = await this.#settled(action.box, topic);
    for (const from of await partitionsFrom(action.box, topic, undefined)) {
      const wants = (place: Place): boolean => !settled.has(place);
      for await (const letters of portions(action.box, { from: settled.next(from), wants })) {
        if (action.tally.count >= MAX_LETTERS || clock.monotonic() - start > MAX_MS) action.tally.more = true;
        if (action.tally.more || !(await this.#settle(letters, settled, action))) return;
      }
    }
  }

  async #dealWithIds(ids: readonly string[], action: Action): Promise<void> {
    const { box, tally } = action;
    const places = [...new Set(ids)].flatMap((id) => placeOfLetter(id) ?? []);
    for (const [topic, ofTopic] of Map.groupBy(places, (place) => place.topic)) {
      if (!this.topics.includes(topic)) {
        tally.failed(ofTopic, `${topic} is no dead-letter topic of a source or sink`);
        continue;
      }
      const settled = await this.#settled(box, topic);
      tally.alreadyDone += ofTopic.filter((place) => settled.has(place)).length;
      const open = ofTopic.filter((place) => !settled.has(place));
      for (const ofPartition of Map.groupBy(open, ({ partition }) => partition).values()) {
        if (!(await this.#dealWithPlaces(ofPartition, settled, action))) return;
      }
    }
  }

  /** @returns whether to go on. @param places of one partition. */
  async #dealWithPlaces(places: readonly Place[], settled: SettledLetters, action: Action): Promise<boolean> {
    const open = new Map(places.map((place) => [place.offset, place]));
    const [first] = [...open.keys()].sort(ascending);
    const from = open.get(first ?? 0n);
    if (from === undefined) return true;
    const stretch: Stretch = {
      from,
      last: [...open.keys()].sort(ascending).at(-1),
      wants: ({ offset }) => open.has(offset),
    };
    for await (const letters of portions(action.box, stretch)) {
      for (const { place } of letters) open.delete(place.offset);
      if (!(await this.#settle(letters, settled, action))) {
        action.tally.failed([...open.values()], 'not tried: one before it failed for a reason that passes');
        return false;
      }
    }
    action.tally.failed([...open.values()], 'no letter stands there: it is past, or its topic has lost it');
    return true;
  }

  /** @returns whether to go on: false where what is needed went away in between. @throws where nothing was done before. */
  async #settle(letters: readonly Letter[], settled: SettledLetters, { deal, tally }: Action): Promise<boolean> {
    let outcomes: ReadonlyMap<Letter, Redelivered>;
    try {
      outcomes = await deal(letters);
    } catch (error) {
      if (tally.count === 0 || !(error instanceof KeyferryError)) throw error;
      tally.failed(places(letters), error.message);
      tally.more = true;
      return false;
    }
    const isDone = (letter: Letter): boolean => typeof outcomes.get(letter) === 'string';
    await settled.add(places(letters.filter(isDone)));
    for (const letter of letters) tally.add(letter, outcomes.get(letter));
    return true;
  }

  /** To the flows that put them aside, each its own. */
  async #redeliver(letters: readonly Letter[]): Promise<ReadonlyMap<Letter, Redelivered>> {
    const outcomes = new Map<Letter, Redelivered>();
    for (const [addressee, own] of Map.groupBy(letters, (letter) => this.#addresseeOf(letter))) {
      if (addressee !== undefined)
        for (const [letter, outcome] of await addressee.redeliver(own)) outcomes.set(letter, outcome);
      else for (const letter of own) outcomes.set(letter, unaddressed(letter));
    }
    return outcomes;
  }

  /** A source and a sink may share name and topic. What a sink puts aside stood at an offset. */
  #addresseeOf({ place, flow, origin }: Letter): Addressee | undefined {
    const { sources, sinks } = this.#options;
    const flows = origin.offset === undefined ? sources : sinks;
    return flows.find(({ name, deadLetter }) => name === flow && deadLetter === place.topic);
  }

  async #settled(box: LetterBox, topic: string): Promise<SettledLetters> {
    return new SettledLetters(this.#options.notes, topic, await box.state(topic));
  }

  async #withBox<T>(action: (box: LetterBox) => Promise<T>): Promise<T> {
    const box = new LetterBox(this.#options.kafka);
    try {
      return await action(box);
    } finally {
      await box.close();
    }
  }
}

interface Action {
  readonly box: LetterBox;
  readonly deal: Deal;
  readonly tally: Tally;
}

const ascending = (one: bigint, other: bigint): number => (one < other ? -1 : 1);
const places = (letters: readonly Letter[]): readonly Place[] => letters.map(({ place }) => place);

/** Where each partition is to be read from, behind the place where there is one. */
const partitionsFrom = async (box: LetterBox, topic: string, after: Place | undefined): Promise<readonly Place[]> => {
  const { ends } = await box.state(topic);
  const all = [...ends.keys()].toSorted((one, other) => one - other);
  if (after?.topic !== topic) return all.map((partition) => ({ topic, partition, offset: 0n }));
  return all
    .filter((partition) => partition >= after.partition)
    .map((partition) => ({ topic, partition, offset: partition === after.partition ? after.offset + 1n : 0n }));
};

const unaddressed = ({ flow, place }: Letter): KeyferryError =>
  new KeyferryError(
    'KF_RECORD_UNREADABLE',
    flow === undefined
      ? 'its headers do not tell which flow put it aside'
      : `no flow named ${flow} has ${place.topic} as its deadLetter topic any more`,
  );
