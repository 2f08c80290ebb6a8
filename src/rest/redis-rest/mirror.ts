import { type KeyName, keyBytes } from '../../core/key-name.ts';
import type { AcknowledgedKey, FollowedKeys, NotFollowed } from '../../core/place.ts';
import type { TraceContext } from '../../core/tracer.ts';

/** What Redis REST tells of its writes, and asks about them. */
export interface Mirror {
  /** The keys are about to be written, within a trace that goes on with their records; `written` follows, whatever comes. */
  writing(db: number, keys: readonly KeyName[], trace: TraceContext): void;
  /** The keys were written, or may have been. @param trace of `writing`. */
  written(db: number, keys: readonly KeyName[], trace?: TraceContext): void;
  /** Follows keys that are about to be written, to each of the topics that carry them. */
  follow(db: number, keys: readonly KeyName[]): FollowedKeys | NotFollowed;
}

/** A keyspace source, as far as it matters here. */
export interface MirrorSource {
  readonly name: string;
  writing(db: number, keys: readonly KeyName[], trace: TraceContext): void;
  written(db: number, keys: readonly KeyName[], trace?: TraceContext): void;
  /** Whether it is configured to carry the key. */
  carries(db: number, key: KeyName): boolean;
  /** undefined: it does not mirror just now. @param keys that it carries. */
  follow(db: number, keys: readonly KeyName[]): FollowedKeys | undefined;
}

/** All sources together: a key may be carried by several, and is acknowledged when all of them have it in Kafka. */
export class SourcesMirror implements Mirror {
  readonly #sources: readonly MirrorSource[];

  constructor(sources: readonly MirrorSource[]) {
    this.#sources = sources;
  }

  writing(db: number, keys: readonly KeyName[], trace: TraceContext): void {
    for (const source of this.#sources) source.writing(db, keys, trace);
  }

  written(db: number, keys: readonly KeyName[], trace?: TraceContext): void {
    for (const source of this.#sources) source.written(db, keys, trace);
  }

  follow(db: number, keys: readonly KeyName[]): FollowedKeys | NotFollowed {
    const stray = keys.find((key) => !this.#sources.some((source) => source.carries(db, key)));
    if (stray !== undefined) return { when: 'never', reason: `no source carries ${nameOf(stray)} of database ${db}` };
    const followed: FollowedKeys[] = [];
    for (const source of this.#sources) {
      const carried = keys.filter((key) => source.carries(db, key));
      if (carried.length === 0) continue;
      const each = source.follow(db, carried);
      if (each === undefined) {
        for (const one of followed) one.release();
        return { when: 'not-yet', reason: `source ${source.name} does not mirror just now` };
      }
      followed.push(each);
    }
    return together(followed, keys);
  }
}

/** In the order of the keys. */
const together = (followed: readonly FollowedKeys[], keys: readonly KeyName[]): FollowedKeys => ({
  acknowledged: async () => {
    const acknowledged = (await Promise.all(followed.map((each) => each.acknowledged()))).flat();
    const byKey = Map.groupBy(acknowledged, ({ key }) => key);
    return keys.flatMap((key): readonly AcknowledgedKey[] => byKey.get(key) ?? []);
  },
  release: () => {
    for (const each of followed) each.release();
  },
});

const MAX_SHOWN_LENGTH = 80;

const nameOf = (key: KeyName): string => JSON.stringify(keyBytes(key).toString().slice(0, MAX_SHOWN_LENGTH));
