import type { AppConfig } from '../config/app-config.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import type { Tracer } from '../core/tracer.ts';

interface Needs {
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** undefined where tracing is switched off: its libraries are loaded only where it is on (docs/adr/0007-tracing.md). */
export const openTracer = async (
  { enabled, ...options }: AppConfig['tracing'],
  needs: Needs,
): Promise<(Tracer & { close(): Promise<void> }) | undefined> => {
  if (!enabled) return undefined;
  const { openTracing } = await import('../observability/tracing.ts');
  return openTracing({ ...options, ...needs });
};
