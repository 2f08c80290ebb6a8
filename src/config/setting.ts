import type { Format } from './format.ts';

/** One key of the configuration: a format with a place, a default and a description. */
export interface Setting<T> extends Format<T> {
  readonly kind: 'setting';
  /** As it would stand in YAML; null where there is none. */
  readonly fallback: string | null;
  /** It must be given: there is neither a default nor a meaning of its absence. */
  readonly required: boolean;
  /** Never shown: neither in messages nor by `keyferry config`. */
  readonly secret: boolean;
  readonly doc: string;
}

/**
 * A list of sections, each of which is read by itself. The setting `by` of an element chooses its section, by the name
 * that it has in `sections`; without one, and by default, that is the first section.
 */
export interface Elements<Sections = Readonly<Record<string, Section>>> {
  readonly kind: 'elements';
  readonly by: string | undefined;
  readonly sections: Sections;
}

export interface Section {
  readonly [key: string]: Setting<unknown> | Elements | Section;
}

/** What a section's settings give. Durations are milliseconds. Elements are left out. */
export type ValuesOf<S extends Section> = {
  readonly [K in keyof S as S[K] extends Elements ? never : K]: S[K] extends Setting<infer T>
    ? T
    : S[K] extends Section
      ? ValuesOf<S[K]>
      : never;
};

/** What an element of a list gives: the values of one of its sections. */
export type ElementOf<E extends Elements> =
  E extends Elements<infer Sections extends Elements['sections']>
    ? { [K in keyof Sections]: ValuesOf<Sections[K]> }[keyof Sections]
    : never;

const KIND = { kind: 'setting', required: false, secret: false } as const;

export const setting = <T>(format: Format<T>, fallback: string | null, doc: string): Setting<T> => ({
  ...format,
  ...KIND,
  fallback,
  doc,
});

export const required = <T>(format: Format<T>, doc: string): Setting<T> => ({
  ...setting(format, null, doc),
  required: true,
  parse: (raw) => {
    if (raw === null) throw new Error(`is missing: give ${format.expects}`);
    return format.parse(raw);
  },
});

export const optional = <T>(format: Format<T>, doc: string): Setting<T | undefined> => ({
  ...KIND,
  ...format,
  fallback: null,
  doc,
  parse: (raw) => (raw === null ? undefined : format.parse(raw)),
  show: (value) => (value === undefined ? undefined : format.show(value)),
});

export const secret = <T>(wrapped: Setting<T>): Setting<T> => ({ ...wrapped, secret: true });

export const elements = <const Sections extends Elements['sections']>(options: {
  readonly by: string | undefined;
  readonly sections: Sections;
}): Elements<Sections> => ({ kind: 'elements', ...options });

export const isSetting = (node: Section[string]): node is Setting<unknown> => node.kind === 'setting';
export const isElements = (node: Section[string]): node is Elements => node.kind === 'elements';

/** The settings and sections of a section. */
export const ownNodes = (section: Section): [string, Setting<unknown> | Section][] =>
  Object.entries(section).filter((entry): entry is [string, Setting<unknown> | Section] => {
    const [, node] = entry;
    return !isElements(node);
  });

/** `['sources', 0, 'maxValueBytes']`: where a key stands in the file. */
export type Path = readonly (string | number)[];

/** `sources[0].maxValueBytes` */
export const pathName = (path: Path): string =>
  path.reduce<string>(
    (before, key) => (typeof key === 'number' ? `${before}[${key}]` : before === '' ? key : `${before}.${key}`),
    '',
  );

/** `KEYFERRY_SOURCES_0_MAX_VALUE_BYTES` */
export const environmentName = (path: Path): string =>
  ['KEYFERRY', ...path.map((key) => String(key).replace(/[A-Z]/g, '_$&').toUpperCase())].join('_');
