import { readFile } from 'node:fs/promises';
import { type Server, createServer } from 'node:https';
import type { RequestListener, ServerOptions } from 'node:http';
import { createSecureContext } from 'node:tls';
import type { Clock } from '../core/clock.ts';
import { KeyferryError, messageOf } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';

/** PEM files, as the configuration names them. */
export interface ServerTls {
  readonly certFile: string;
  readonly keyFile: string;
  /** Who may have signed the certificates that clients show; undefined: they need none. */
  readonly caFile?: string | undefined;
}

interface Pem {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
}

const LOOK_EVERY_MS = 10_000;

/** The certificate that the server shows. A renewed one is found on disk, and serves the connections that come then. */
export class ServerCertificate {
  readonly #files: ServerTls;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #servers: Server[] = [];
  #shown: string | undefined;
  #isLooking = false;

  constructor(files: ServerTls, { clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#files = files;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** A server that shows it once it has been read. */
  server(options: ServerOptions, listener: RequestListener): Server {
    const isMutual = this.#files.caFile !== undefined;
    const handshakeTimeout = options.requestTimeout;
    const server = createServer(
      {
        ...options,
        ...(handshakeTimeout !== undefined && { handshakeTimeout }),
        requestCert: isMutual,
        rejectUnauthorized: isMutual,
      },
      listener,
    );
    this.#servers.push(server);
    return server;
  }

  /** @throws KF_HTTP_LISTEN where the files cannot be used. */
  async read(): Promise<void> {
    try {
      await this.#renew();
    } catch (error) {
      throw new KeyferryError('KF_HTTP_LISTEN', `http.tls cannot be used: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Looks for a renewed one until the returned function is called. Files that do not fit each other are let be. */
  watch(): () => void {
    let told: string | undefined;
    return this.#clock.every(LOOK_EVERY_MS, () => {
      if (this.#isLooking) return;
      this.#isLooking = true;
      void this.#renew()
        .then(
          () => undefined,
          (error: unknown) => messageOf(error),
        )
        .then((reason) => {
          if (reason !== undefined && reason !== told)
            this.#logger.warn({ reason }, 'the renewed HTTP certificate cannot be used; the one before stays in use');
          told = reason;
          this.#isLooking = false;
        });
    });
  }

  async #renew(): Promise<void> {
    const pem = await this.#pem();
    const text = JSON.stringify(pem);
    if (text === this.#shown) return;
    createSecureContext(pem);
    for (const server of this.#servers) server.setSecureContext(pem);
    if (this.#shown !== undefined) this.#logger.info({}, 'the HTTP certificate was renewed');
    this.#shown = text;
  }

  async #pem(): Promise<Pem> {
    const { certFile, keyFile, caFile } = this.#files;
    const read = (file: string): Promise<string> => readFile(file, 'utf8');
    const [cert, key] = await Promise.all([read(certFile), read(keyFile)]);
    return caFile === undefined ? { cert, key } : { cert, key, ca: await read(caFile) };
  }
}
