import { type IncomingMessage, request } from 'node:http';
import type { TailPortion } from '../../src/rest/live/tailed-change.ts';
import type { DaemonStatus } from '../../src/rest/live/status.ts';
import { eventually } from './eventually.ts';

/** The data of each event, by its name. */
interface Events {
  readonly status: DaemonStatus;
  readonly changes: TailPortion;
}

/** Reads server-sent events as any client would: it knows nothing of how they are made. */
export class EventReader {
  readonly response: IncomingMessage;
  readonly #events: { readonly event: string; readonly data: unknown }[] = [];
  /** Resolves once the connection has ended, however it did. */
  readonly ended: Promise<void>;
  #rest = '';

  private constructor(response: IncomingMessage) {
    this.response = response;
    this.ended = new Promise((resolve) => {
      response.once('close', () => {
        resolve();
      });
    });
    response.on('error', () => undefined);
    response.setEncoding('utf8').on('data', (text: string) => {
      this.#take(text);
    });
  }

  static open(url: string, headers: Readonly<Record<string, string>> = {}): Promise<EventReader> {
    return new Promise((resolve, reject) => {
      request(url, { headers, agent: false }, (response) => {
        resolve(new EventReader(response));
      })
        .on('error', reject)
        .end();
    });
  }

  get status(): number | undefined {
    return this.response.statusCode;
  }

  /** The data of the events of a name, so far. */
  all<Name extends keyof Events>(name: Name): readonly Events[Name][] {
    return this.#events.filter(({ event }) => event === name).map(({ data }) => data as Events[Name]);
  }

  /** Waits for the first event of which it holds. */
  next<Name extends keyof Events>(
    name: Name,
    holds: (data: Events[Name]) => boolean = () => true,
  ): Promise<Events[Name]> {
    return eventually(() => this.all(name).find(holds) ?? null, { what: `an event ${name}` });
  }

  close(): void {
    this.response.destroy();
  }

  #take(text: string): void {
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = new Map(block.split('\n').map((line) => [line.split(': ')[0], line.slice(line.indexOf(':') + 2)]));
      this.#events.push({ event: fields.get('event') ?? 'message', data: JSON.parse(fields.get('data') ?? 'null') });
    }
  }
}
