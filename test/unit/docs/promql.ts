import { parser } from '@prometheus-io/lezer-promql';

/** A metric that an expression selects, with the labels that it names for it: in matchers, and where it groups or joins. */
export interface Selected {
  readonly metric: string;
  readonly labels: readonly string[];
}

/** Variables of Grafana, as PromQL that any value fits. */
const withoutVariables = (expression: string): string =>
  expression.replaceAll('$__rate_interval', '1m').replaceAll('$__range', '1h').replaceAll(/\$\w+/g, '.+');

interface Node {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly parent: Node | null;
}

/** @throws where it is no PromQL */
export const selectedBy = (expression: string): readonly Selected[] => {
  const text = withoutVariables(expression);
  const nodes: Node[] = [];
  parser.parse(text).iterate({
    enter: ({ node }) => {
      nodes.push(node);
    },
  });
  const broken = nodes.find(({ name }) => name === '⚠');
  if (broken !== undefined) throw new Error(`no PromQL at ${broken.from}: ${text}`);
  const wordOf = ({ from, to }: Node): string => text.slice(from, to);
  const named = (name: string, { from, to }: Node): readonly Node[] =>
    nodes.filter((node) => node.name === name && node.from >= from && node.to <= to);
  const groupings = nodes.filter(({ name }) => name === 'GroupingLabels').map((node) => ({ node, over: over(node) }));

  return nodes
    .filter(({ name }) => name === 'VectorSelector')
    .map((selector) => {
      const [metric] = named('Identifier', selector);
      if (metric === undefined) throw new Error(`a selector without a metric: ${wordOf(selector)}`);
      const grouped = groupings.filter(({ over: { from, to } }) => from <= selector.from && selector.to <= to);
      const labels = [selector, ...grouped.map(({ node }) => node)].flatMap((node) => named('LabelName', node));
      return { metric: wordOf(metric), labels: labels.map(wordOf) };
    });
};

/** What labels are grouped in, or joined on: the whole aggregation or operation. */
const over = (grouping: Node): Node => {
  let node = grouping;
  while (node.parent !== null && !['AggregateExpr', 'BinaryExpr'].includes(node.name)) node = node.parent;
  return node;
};
