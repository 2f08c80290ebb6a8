import { LineCounter, isNode, parseDocument } from 'yaml';
import { type Environment, interpolate } from './interpolate.ts';
import { nearest } from './nearest.ts';
import { type Path, type Section, isElements, isSetting, pathName } from './setting.ts';

/** Everything that is wrong, found in one go. */
export class Problems {
  readonly #whats = new Map<string, string>();

  /**
   * The first problem of a key counts, for all that it holds: what follows from it would only confuse.
   * @param place the file and line, or the environment variable. @param what completes the sentence about the key.
   */
  add(place: string, path: Path, what: string): void {
    if (path.some((_, at) => this.#whats.has(pathName(path.slice(0, at + 1))))) return;
    const name = pathName(path);
    this.#whats.set(path.length === 0 ? place : name, `${place}: ${name}${name === '' ? '' : ' '}${what}`);
  }

  get lines(): readonly string[] {
    return [...this.#whats.values()];
  }
}

/** A mapping of YAML whose keys are all known, its leaves as they stand there, references filled in. */
export interface Tree {
  readonly [key: string]: unknown;
}

/** The configuration file, read as YAML; knows on which line a key stands. */
export class ConfigDocument {
  readonly root: unknown;
  readonly problems: Problems;
  readonly #file: string;
  readonly #environment: Environment;
  readonly #document: ReturnType<typeof parseDocument>;
  readonly #lines = new LineCounter();

  constructor(options: {
    readonly text: string;
    readonly file: string;
    readonly environment: Environment;
    readonly problems: Problems;
  }) {
    this.problems = options.problems;
    this.#file = options.file;
    this.#environment = options.environment;
    this.#document = parseDocument(options.text, { lineCounter: this.#lines, prettyErrors: false });
    for (const { message, pos } of this.#document.errors) {
      const quote = options.text.includes('${') ? ' (inside [ ] and { }, write "${VAR}" with its quotes)' : '';
      this.problems.add(`${this.#file}:${this.#lines.linePos(pos[0]).line}`, [], `is no YAML: ${message}${quote}`);
    }
    this.root = this.#document.errors.length === 0 ? this.#toValue() : undefined;
  }

  /** `keyferry.yaml:12`; of a key that is not there, the line of what should hold it. */
  place(path: Path): string {
    for (let length = path.length; length > 0; length -= 1) {
      const node: unknown = this.#document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return `${this.#file}:${this.#lines.linePos(node.range[0]).line}`;
    }
    return this.#file;
  }

  add(path: Path, what: string): void {
    this.problems.add(this.place(path), path, what);
  }

  /**
   * What is usable of a section; every key that is unknown or of the wrong shape is a problem.
   * @param elsewhere where a key belongs that this section does not have: `of a stream source`.
   */
  tree(section: Section, value: unknown, path: Path, elsewhere?: (key: string) => string | undefined): Tree {
    if (value === undefined || value === null) return {};
    if (!isMapping(value)) {
      this.add(path, 'must be a mapping (key: value)');
      return {};
    }
    const entries = Object.entries(value).map(([key, child]) => {
      const place = Object.hasOwn(section, key) ? undefined : elsewhere?.(key);
      if (place === undefined) return [key, this.#child(section, key, child, path)] as const;
      this.add([...path, key], `is ${place}: remove it`);
      return [key, undefined] as const;
    });
    return Object.fromEntries(entries.filter(([, child]) => child !== undefined));
  }

  /** The elements of a list, each still to be read. */
  elements(path: readonly string[]): readonly unknown[] {
    const value = path.reduce<unknown>((parent, key) => (isMapping(parent) ? parent[key] : undefined), this.root);
    if (value === undefined || value === null) return [];
    if (Array.isArray(value)) return value;
    this.add(path, 'must be a list (- key: value)');
    return [];
  }

  /** What an element of a list holds under a key, references filled in; undefined where that is not there or no text. */
  choiceOf(element: unknown, key: string): string | undefined {
    const value = isMapping(element) ? element[key] : undefined;
    if (typeof value !== 'string') return undefined;
    try {
      return interpolate(value, this.#environment);
    } catch {
      // The key is read once more, and said to be wrong then.
      return undefined;
    }
  }

  #toValue(): unknown {
    try {
      return this.#document.toJS();
    } catch {
      // The library's words quote what was taken for an alias: it may be a password.
      this.problems.add(this.#file, [], 'has a value that begins with "*" and names no anchor: quote it');
      return undefined;
    }
  }

  #child(section: Section, key: string, value: unknown, parent: Path): unknown {
    const path = [...parent, key];
    const node = Object.hasOwn(section, key) ? section[key] : undefined;
    if (node === undefined) {
      const known = nearest(key, Object.keys(section)) ?? '';
      this.add(path, `is unknown: remove it; the nearest known key is ${pathName([...parent, known])}`);
    } else if (isElements(node)) {
      return undefined;
    } else if (!isSetting(node)) {
      return this.tree(node, value, path);
    } else if (isMapping(value)) {
      this.add(path, `must be ${node.expects}, not a mapping`);
    } else if (value !== null) {
      return this.#filled(value, path);
    }
    return undefined;
  }

  #filled(value: unknown, path: Path): unknown {
    if (Array.isArray(value)) return value.map((item: unknown, at) => this.#filled(item, [...path, at]));
    if (typeof value !== 'string') return value;
    try {
      return interpolate(value, this.#environment);
    } catch (error) {
      this.add(path, (error as Error).message);
      return undefined;
    }
  }
}

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
