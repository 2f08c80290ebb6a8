import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromMarkdown } from 'mdast-util-from-markdown';
import type { Root } from 'mdast';
import { visit } from 'unist-util-visit';

export const ROOT = join(import.meta.dirname, '../../..');

export interface Document {
  /** From the root of the repository. */
  readonly path: string;
  readonly tree: Root;
}

/** Every Markdown document of the repository. */
export const documents: readonly Document[] = globSync('**/*.md', {
  cwd: ROOT,
  exclude: (path) => /(^|\/)(node_modules|dist|\.[^/]+)$/.test(path),
})
  .toSorted()
  .map((path) => ({ path, tree: fromMarkdown(readFileSync(join(ROOT, path))) }));

const SHELLS = ['sh', 'bash', 'shell', 'console'];

/** Lines of shell blocks, of indented blocks, and code in the text, as far as they look like commands of ours. */
export const commandsOf = ({ tree }: Document): readonly string[] => {
  const lines: string[] = [];
  visit(tree, (node) => {
    if (node.type === 'inlineCode') lines.push(node.value);
    if (node.type === 'code' && (SHELLS.includes(node.lang ?? 'sh') || node.lang === null))
      lines.push(...node.value.replaceAll(/\\\n\s*/g, '').split('\n'));
  });
  return lines
    .map((line) => line.replace(/^\$ /, '').replace(/(^|\s)#.*$/, ''))
    .flatMap((line) => line.split(/&&|\|\||[;|&]/))
    .map((command) => command.trim().replace(/^(\w+=\S* )+/, ''))
    .filter((command) => /^(npm|npx|node|keyferry|docker compose|helm) /.test(command));
};

export interface YamlBlock {
  /** `docs/x.md:12`, where it begins. */
  readonly place: string;
  readonly yaml: string;
}

/** They show values of the chart, and templates that use it. */
const ON_KUBERNETES = ['docs/autoscaling.md', 'docs/kubernetes.md', 'docs/proxy.md', 'docs/two-clusters.md'];

const yamlOf = ({ path, tree }: Document): readonly YamlBlock[] => {
  const blocks: YamlBlock[] = [];
  visit(tree, 'code', ({ lang, value: yaml, position }) => {
    if (lang === 'yaml' || lang === 'yml') blocks.push({ place: `${path}:${position?.start.line}`, yaml });
  });
  return blocks;
};

/** Configurations of Keyferry that documents show. */
export const configurations = documents.filter(({ path }) => !ON_KUBERNETES.includes(path)).flatMap(yamlOf);

/** Values of the chart that they show. */
export const chartValues = documents
  .filter(({ path }) => ON_KUBERNETES.includes(path))
  .flatMap(yamlOf)
  .filter(({ yaml }) => !yaml.includes('{{'));
