import { type RedisAddress, addressText } from './address.ts';
import { KeyferryError } from '../../core/errors.ts';
import type { DialOptions, Line } from './dial.ts';
import type { RedisMaster, RedisTopology } from './port.ts';

/** How the servers of a deployment are dialled. */
export interface Deployment {
  /** The caller closes it. */
  readonly topology: () => RedisTopology;
  readonly dial: (address: RedisAddress, options: DialOptions) => Promise<Line>;
  /** @throws KF_REDIS_UNAVAILABLE where who answers is not that master, or is none any more. */
  readonly confirm: (line: Line, master: RedisMaster) => Promise<void>;
}

/** Which of the masters: undefined where it is none of them. */
export type Choice = (masters: readonly RedisMaster[]) => RedisMaster | undefined;

export const theOnly: Choice = ([master]) => master;
export const sameAs =
  ({ id }: RedisMaster): Choice =>
  (masters) =>
    masters.find((master) => master.id === id);

/**
 * Dials a master, and hangs up as soon as it is none any more, or another one is chosen.
 * @throws KF_REDIS_UNAVAILABLE, KF_REDIS_AUTH, KF_REDIS_PERMISSION, KF_REDIS_REFUSED
 */
export const dialMaster = async (
  deployment: Deployment,
  topology: RedisTopology,
  choose: Choice,
  options: DialOptions,
): Promise<Line> => {
  await topology.ready(options.signal);
  try {
    const master = choose(topology.masters);
    if (master === undefined) throw new KeyferryError('KF_REDIS_UNAVAILABLE', 'No server is the master now');
    const line = await deployment.dial(master, options);
    await guard(line, master, { deployment, topology, choose });
    return line;
  } catch (error) {
    topology.refresh();
    throw error;
  }
};

/** Hangs up as soon as who was a master is none any more: what it still takes will be lost with it. */
export const leaveWithOffice = (line: Line, address: RedisAddress, topology: RedisTopology): void => {
  const text = addressText(address);
  const isMaster = (masters: readonly RedisMaster[]): boolean => masters.some((each) => addressText(each) === text);
  let was = isMaster(topology.masters);
  const end = topology.onChange((masters) => {
    const is = isMaster(masters);
    if (was && !is) line.hangUp('it is no longer a master');
    was = is;
  });
  void line.ended.then(end);
};

const guard = async (
  line: Line,
  master: RedisMaster,
  { deployment, topology, choose }: { deployment: Deployment; topology: RedisTopology; choose: Choice },
): Promise<void> => {
  const isSame = (now: RedisMaster | undefined): boolean =>
    now?.id === master.id && now.host === master.host && now.port === master.port;
  const look = (masters: readonly RedisMaster[]): void => {
    if (!isSame(choose(masters))) line.hangUp('it is no longer the master');
  };
  const end = topology.onChange(look);
  void line.ended.then(() => {
    end();
    topology.refresh();
  });
  try {
    await deployment.confirm(line, master);
  } catch (error) {
    line.hangUp(`${addressText(master)} is not the master that it was taken for`);
    throw error;
  }
  look(topology.masters);
};
