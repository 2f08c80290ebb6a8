/**
 * What a setting may be: how it is read from YAML or from the text of an environment variable, and how it is written
 * again. Formats are pure; the schema puts them together.
 */
export interface Format<T> {
  /** For the documentation's table: `duration`. */
  readonly type: string;
  /** Completes "must be ...", for people. */
  readonly expects: string;
  /**
   * @param raw a scalar or list of YAML, or an environment variable's text.
   * @throws Error whose message completes the sentence about the setting: `must be ...`.
   */
  parse(raw: unknown): T;
  /** As one would write it in YAML. */
  show(value: T): unknown;
}

export const format = <T>(options: {
  readonly type: string;
  readonly expects: string;
  /** undefined: the value is none of this format. May throw to say more than `expects` does. */
  readonly read: (raw: unknown) => T | undefined;
  readonly show?: (value: T) => unknown;
}): Format<T> => ({
  type: options.type,
  expects: options.expects,
  parse: (raw) => {
    const value = options.read(raw);
    if (value === undefined) throw new Error(`must be ${options.expects}`);
    return value;
  },
  show: options.show ?? ((value) => value),
});

export const text = format<string>({
  type: 'text',
  expects: 'a text that is not empty (quote it where YAML takes it for something else)',
  read: (raw) => (typeof raw === 'string' && raw !== '' ? raw : undefined),
});

export const boolean = format<boolean>({
  type: 'true or false',
  expects: 'true or false',
  read: (raw) => (raw === true || raw === 'true' ? true : raw === false || raw === 'false' ? false : undefined),
});

export const integer = (min: number, max: number): Format<number> =>
  format({
    type: 'integer',
    expects: `an integer from ${min} to ${max}`,
    read: (raw) => {
      const value = typeof raw === 'string' && /^\d+$/.test(raw) ? Number(raw) : raw;
      return Number.isInteger(value) && Number(value) >= min && Number(value) <= max ? Number(value) : undefined;
    },
  });

/** Of all: 0 none, 1 each. */
export const share = format<number>({
  type: 'number from 0 to 1',
  expects: 'a number from 0 to 1',
  read: (raw) => {
    const value = typeof raw === 'string' && /^(0|1|[01]?\.\d+)$/.test(raw) ? Number(raw) : raw;
    return typeof value === 'number' && value >= 0 && value <= 1 ? value : undefined;
  },
});

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** @param zero whether 0 has a meaning: never, or for good. */
const durations = (maxDays: number, { zero }: { readonly zero: boolean }): Format<number> =>
  format({
    type: 'duration',
    expects: `a duration: 250ms, 30s, 5m, 1h or 7d, at most ${maxDays}d; ${zero ? 'or 0' : 'not 0'}`,
    read: (raw) => {
      if (raw === 0 || raw === '0') return zero ? 0 : undefined;
      const [, amount, unit] = (typeof raw === 'string' && /^(\d+)(ms|s|m|h|d)$/.exec(raw)) || [];
      if (amount === undefined) return undefined;
      const value = Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
      return value <= maxDays * UNIT_MS.d && (zero || value > 0) ? value : undefined;
    },
    show: (value) => showDuration(value),
  });

/** Node's timers hold 31 bits of milliseconds; what is longer would fire at once. */
const MAX_TIMER_DAYS = 24;
/** Of keys, whose time Redis counts. */
const MAX_LIFE_DAYS = 3_650;

/** In the configuration's types: milliseconds. */
export const duration = durations(MAX_TIMER_DAYS, { zero: true });
export const aboveZero = durations(MAX_TIMER_DAYS, { zero: false });
export const lifetime = durations(MAX_LIFE_DAYS, { zero: true });
export const lifetimeAboveZero = durations(MAX_LIFE_DAYS, { zero: false });

const showDuration = (value: number): string | 0 => {
  if (value === 0) return 0;
  const [name, size] = Object.entries(UNIT_MS).findLast(([, ms]) => value % ms === 0) ?? ['ms', 1];
  return `${value / size}${name}`;
};

export const oneOf = <const T extends string>(values: readonly T[]): Format<T> =>
  format({
    type: values.map((value) => `\`${value}\``).join(' or '),
    expects: `one of ${values.join(', ')}`,
    read: (raw) => values.find((value) => value === raw),
  });

/** A YAML list, or its items in one text with commas between. At least one item unless `min` is 0; none twice. */
export const listOf = <T extends string | number>(item: Format<T>, min: 0 | 1 = 1): Format<readonly T[]> =>
  format({
    type: `list of ${item.type}`,
    expects: `a list${min === 0 ? '' : ' of at least one'}, or text with commas between the items`,
    read: (raw) => {
      const items: unknown = typeof raw === 'string' ? splitList(raw) : typeof raw === 'number' ? [raw] : raw;
      if (!Array.isArray(items) || items.length < min) return undefined;
      const values = items.map((each: unknown, at) => readItem(item, each, at));
      const twice = values.find((value, at) => values.indexOf(value) !== at);
      if (twice !== undefined) throw new Error(`names ${twice} twice: remove one`);
      return values;
    },
  });

const splitList = (raw: string): string[] => (raw.trim() === '' ? [] : raw.split(',').map((each) => each.trim()));

const readItem = <T>(item: Format<T>, raw: unknown, at: number): T => {
  try {
    return item.parse(raw);
  } catch (error) {
    throw new Error(`item ${at + 1} ${(error as Error).message}`, { cause: error });
  }
};
