import { stringify } from 'yaml';
import type { AppConfig } from './app-config.ts';
import { redactedUrl } from './redis-config.ts';
import { MAIN, SINK, SOURCE } from './schema.ts';
import { type Section, isSetting, ownNodes } from './setting.ts';

type Values = Readonly<Record<string, unknown>>;

/** The effective configuration as YAML, in the words of the file; passwords are hidden. */
export const printConfig = (config: AppConfig): string =>
  stringify({
    ...shown(MAIN, config),
    sources: config.sources.map((source) => shown(SOURCE, source)),
    sinks: config.sinks.map((sink) => shown(SINK, sink)),
  });

const shown = (section: Section, values: Values): Values =>
  Object.fromEntries(
    ownNodes(section)
      .filter(([key]) => values[key] !== undefined)
      .map(([key, node]) => {
        const value = values[key];
        if (!isSetting(node)) return [key, shown(node, value as Values)];
        return [key, node.secret ? redactedUrl(String(value)) : node.show(value)];
      }),
  );
