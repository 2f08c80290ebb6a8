import type { KafkaClient } from '../../src/clients/kafka/connect.ts';
import type { KafkaDriver } from '../../src/clients/kafka/port.ts';
import type { KafkaServer, StackProvider } from '../../test/support/stack.ts';
import type { Figure } from './report.ts';

/** What every scenario works with. */
export interface Bench {
  readonly provider: StackProvider;
  readonly kafka: KafkaServer;
  /** The library that the daemon and the bare loops use. */
  readonly client: KafkaClient;
  /** Looks at the topics from outside of the daemon, through the other library. */
  readonly outside: KafkaDriver;
  /** For configurations, logs and state stores; removed at the end. */
  readonly dir: string;
  /** `count` times the scale of this run. */
  scaled(count: number): number;
  /** Tells the one who waits what happens. */
  say(text: string): void;
}

export interface Scenario {
  /** `a`, as in --only. */
  readonly id: string;
  readonly title: string;
  run(bench: Bench): Promise<readonly Figure[]>;
}
