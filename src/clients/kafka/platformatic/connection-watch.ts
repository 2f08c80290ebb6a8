import type { Connection, ConnectionPool } from '@platformatic/kafka';

/**
 * What the library's connections leave to nobody. A request whose connection ends learns no reason, though the
 * connection had one: a TLS alert comes after the handshake, when the first request is under way. A second error of a
 * connection would end the process, as nobody listens. And one that the broker closed logs in again at its time all the
 * same, on a dead socket, which throws its successor out of the pool.
 */
export class ConnectionWatch {
  #failures = 0;
  #lastFailure: Error | undefined;

  constructor(pool: ConnectionPool) {
    pool.on('connecting', ({ connection }: { readonly connection: Connection }) => {
      connection.on('error', (error: Error) => {
        this.#failures += 1;
        this.#lastFailure = error;
      });
      connection.once('close', () => {
        // Ends its timer; nothing else is left to close.
        connection.close(() => undefined);
      });
    });
  }

  /** What the request gives, or its error beside what ended the connection meanwhile. */
  async explained<T>(request: Promise<T>): Promise<T> {
    const before = this.#failures;
    try {
      return await request;
    } catch (error) {
      throw this.#failures === before ? error : new AggregateError([error, this.#lastFailure]);
    }
  }
}
