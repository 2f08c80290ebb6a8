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
    const { section, elsewhere } = sectionOf(elements, element, [...path, at], from);
    const value = readSection(section, element, [...path, at], from, elsewhere);
    return value === undefined ? [] : [{ at, value: value as ElementOf<E> }];
  });

interface Chosen {
  readonly section: Section;
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
  const chosen = wanted !== undefined && Object.hasOwn(sections, wanted) ? wanted : fallback;
  const elsewhere = (key: string): string | undefined => {
    const others = Object.keys(sections).filter((name) => Object.hasOwn(sections[name] ?? {}, key));
    return others.length === 0 ? undefined : `for ${by ?? ''} ${others.join(' or ')} only, and this is ${chosen}`;
  };
  return { section: sections[chosen] ?? {}, elsewhere };
};
