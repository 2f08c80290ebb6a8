import { Readable } from 'node:stream';

/** Server-sent events for one client. What is sent waits in memory until the client takes it: send nothing while it does not. */
export class EventStream extends Readable {
  override _read(): void {
    // It is fed by `send`.
  }

  /** Whether the client has not taken what was sent before. */
  get isClogged(): boolean {
    return this.readableLength > 0;
  }

  /** @param data JSON, in one line. */
  send(event: string, data: string): void {
    if (!this.destroyed) this.push(`event: ${event}\ndata: ${data}\n\n`);
  }

  /** Ends it at once: who has not taken everything does not get it any more. */
  end(): void {
    if (this.isClogged) this.destroy();
    else this.push(null);
  }
}
