import type { RedisConnection } from '../../clients/redis/port.ts';
import { type KeyName, RESERVED_PREFIX, isReserved, keyName } from '../../core/key-name.ts';
import type { CommandCatalog } from './command-catalog.ts';
import { type CommandRule, isHarmlessCall, refusalOfCall } from './command-rules.ts';
import { RestFailure } from './failure.ts';
import { writtenKeys, writtenPlaces } from './key-positions.ts';
import type { RestCommand } from './parse-request.ts';
import { LostReply, asRestReply } from './reply.ts';

/** `read`: the read-only token. */
export type Access = 'full' | 'read';

/** A command with what is known of it before it is sent. */
export interface Step {
  readonly command: RestCommand;
  /** Why it is not sent; undefined: it is. */
  readonly failure: RestFailure | undefined;
  readonly writes: boolean;
  /** As far as the server's own key positions tell: a script may write others. */
  readonly written: readonly KeyName[];
}

type Admitted = Pick<Step, 'command' | 'failure'> & { readonly rule: CommandRule | undefined };

/** Says of each command whether it is sent, and which keys it will write. */
export class Planner {
  readonly #connection: RedisConnection;
  readonly #catalog: CommandCatalog;

  constructor(connection: RedisConnection, catalog: CommandCatalog) {
    this.#connection = connection;
    this.#catalog = catalog;
  }

  /** @throws as RedisConnection.call does. */
  async plan(commands: readonly RestCommand[], access: Access): Promise<readonly Step[]> {
    await this.#catalog.know(commands);
    const admitted = commands.map((command) => this.#admit(command, access));
    const asked = await this.#ask(admitted.filter(({ rule }) => rule?.writes === true && rule.keys === undefined));
    return admitted.map((each) => {
      const { command, rule, failure } = each;
      const written = asked.get(each) ?? keysAt(command, rule);
      return { command, failure: failure ?? refusalOfKeys(written), writes: rule?.writes === true, written };
    });
  }

  #admit(command: RestCommand, access: Access): Admitted {
    try {
      const name = command.name.toLowerCase();
      const refuse = (refusal: string | undefined): void => {
        if (refusal !== undefined) throw new RestFailure('ERR', `'${name}' is not served over HTTP: ${refusal}`);
      };
      refuse(refusalOfCall(command));
      const rule = this.#catalog.rule(command);
      refuse(rule.refusal);
      if (access === 'read' && !rule.readOnly && !isHarmlessCall(command))
        throw new RestFailure('NOPERM', `the read-only token may not run '${name}'`);
      return { command, rule, failure: undefined };
    } catch (error) {
      if (error instanceof RestFailure) return { command, rule: undefined, failure: error };
      throw error;
    }
  }

  /** Where only the server can tell the keys. What it cannot make sense of, it will refuse to run as well. */
  async #ask(steps: readonly Admitted[]): Promise<ReadonlyMap<Admitted, readonly KeyName[]>> {
    if (steps.length === 0) return new Map();
    const ask = this.#catalog.tellsKeyFlags ? 'GETKEYSANDFLAGS' : 'GETKEYS';
    const replies = await this.#connection.pipeline(
      steps.map(({ command: { name, args } }) => ['COMMAND', ask, name, ...args] as const),
    );
    return new Map(
      steps.map((step, at) => {
        const reply = asRestReply(replies[at] ?? null);
        if (reply instanceof LostReply) throw reply;
        return [step, writtenKeys(reply).map(keyName)] as const;
      }),
    );
  }
}

const keysAt = ({ args }: RestCommand, rule: CommandRule | undefined): readonly KeyName[] => {
  if (rule?.writes !== true || rule.keys === undefined) return [];
  return writtenPlaces(rule.keys, args).flatMap((place) => {
    const key = args[place - 1];
    return key === undefined ? [] : [keyName(Buffer.from(key))];
  });
};

const refusalOfKeys = (written: readonly KeyName[]): RestFailure | undefined =>
  written.some(isReserved)
    ? new RestFailure('ERR', `keys that begin with ${RESERVED_PREFIX} are Keyferry's own: they may only be read`)
    : undefined;
