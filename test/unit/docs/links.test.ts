import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import GithubSlugger from 'github-slugger';
import { toString as textOf } from 'mdast-util-to-string';
import { visit } from 'unist-util-visit';
import { describe, expect, it } from 'vitest';
import { type Document, ROOT, documents } from './documents.ts';

/** The anchors that GitHub gives the headings of a document. */
const anchorsOf = ({ tree }: Document): ReadonlySet<string> => {
  const slugger = new GithubSlugger();
  const anchors = new Set<string>();
  visit(tree, 'heading', (heading) => void anchors.add(slugger.slug(textOf(heading))));
  return anchors;
};

const anchors = new Map(documents.map((document) => [document.path, anchorsOf(document)]));

const linksOf = ({ tree }: Document): readonly string[] => {
  const links: string[] = [];
  visit(tree, ['link', 'image', 'definition'], (node) => {
    if ('url' in node) links.push(node.url);
  });
  return links;
};

const isElsewhere = (link: string): boolean => /^[a-z]+:/.test(link);

/** What is wrong with a link; undefined: nothing. */
const flawOf = (from: string, link: string): string | undefined => {
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? from : relative(ROOT, join(ROOT, dirname(from), decodeURIComponent(file)));
  if (target.startsWith('..')) return `${link} leads out of the repository`;
  if (!existsSync(join(ROOT, target))) return `${link}: there is no ${target}`;
  if (anchor === undefined) return undefined;
  return anchors.get(target)?.has(anchor) === true ? undefined : `${link}: ${target} has no heading for #${anchor}`;
};

describe('the links of the documentation', () => {
  it.each(documents)('lead to files and headings that there are: $path', (document) => {
    const inside = linksOf(document).filter((link) => !isElsewhere(link));
    expect(inside.flatMap((link) => flawOf(document.path, link) ?? [])).toEqual([]);
  });

  it.each(documents)('lead elsewhere by HTTPS alone: $path', (document) => {
    const unsafe = linksOf(document).filter((link) => isElsewhere(link) && !link.startsWith('https://'));
    expect(unsafe.filter((link) => !/^http:\/\/(127\.0\.0\.1|localhost)/.test(link))).toEqual([]);
  });

  it('lead from the index to every document', () => {
    const index = documents.find(({ path }) => path === 'docs/README.md');
    const listed = new Set(index && linksOf(index).map((link) => join('docs', link.split('#')[0] ?? '')));
    const missing = documents
      .map(({ path }) => path)
      .filter((path) => /^docs\/[^/]+\.md$/.test(path) && !listed.has(path));
    expect(missing).toEqual(['docs/README.md']);
  });
});

describe('each invariant', () => {
  const guarantees = readFileSync(join(ROOT, 'docs/guarantees.md'), 'utf8');
  const rows = Array.from(guarantees.matchAll(/^\| (I\d) +\|.*\|(.*)\|$/gm), ([, name = '', tests = '']) => ({
    name,
    tests: Array.from(tests.matchAll(/\]\(\.\.\/([^)]+)\)/g), ([, path = '']) => path),
  }));

  it('is there, from the first to the last', () => {
    expect(rows.map(({ name }) => name)).toEqual(['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8', 'I9']);
  });

  it.each(rows)('$name is seen in tests that name it', ({ name, tests }) => {
    expect(tests).not.toEqual([]);
    for (const path of tests) expect(readFileSync(join(ROOT, path), 'utf8'), path).toMatch(new RegExp(`\\b${name}\\b`));
  });
});
