import { type From, readSection } from './read-section.ts';
import type { Placed } from './rules.ts';
import { type ElementOf, type Elements, type Section, environmentName } from './setting.ts';

/** The elements of a list that are usable; what is wrong with the others is among the document's problems. */
export const readElements = <E extends Elements>(
  path: readonly string[],
  elements: E,
  from: From,
): readonly Placed<ElementOf<E>>[] =>
  from.document.elements(path).flatMap((element, at) => {
    const place = [...path, at];
    const { section, held, elsewhere } = sectionOf(elements, element, place, from);
    const value = readSection(section, held, place, from, elsewhere);
    return value === undefined ? [] : [{ at, value: value as ElementOf<E> }];
  });

interface Chosen {
  readonly section: Section;
  /** What is read of the element. */
  readonly held: unknown;
  /** Whose key it is that this section does not have. */
  readonly elsewhere: (key: string) => string | undefined;
}

const sectionOf = (
  { by, sections }: Elements,
  element: unknown,
  path: readonly (string | number)[],
  { document, environment }: From,
): Chosen => {
  const [fallback = ''] = Object.keys(sections);
  const wanted = by && (environment[environmentName([...path, by])] ?? document.choiceOf(element, by));
  const chosen = wanted ?? fallback;
  const elsewhere = (key: string): string | undefined => {
    const others = Object.keys(sections).filter((name) => Object.hasOwn(sections[name] ?? {}, key));
    return others.length === 0 ? undefined : `for ${by ?? ''} ${others.join(' or ')} only, and this is ${chosen}`;
  };
  const section = Object.hasOwn(sections, chosen) ? sections[chosen] : undefined;
  if (section !== undefined) return { section, held: element, elsewhere };
  // There is no such section. That is said, and no more: whether the other keys fit, nobody can tell.
  const only = Object.entries(sections[fallback] ?? {}).filter(([key]) => key === by);
  return { section: Object.fromEntries(only), held: by === undefined ? {} : { [by]: wanted }, elsewhere };
};
