import type { RedisCommand } from '../port.ts';
import { firstKey } from './command-keys.ts';
import { slotOf } from './slots.ts';

/** Commands that go to one node together: one, or a transaction. */
export interface Unit {
  readonly commands: readonly RedisCommand[];
  /** Of its first command in the pipeline. */
  readonly at: number;
  /** undefined: any node will do. */
  readonly slot: number | undefined;
}

/** A command without a key goes with the next that has one, else with the last: it may prepare it, as CLIENT ID does. */
export const unitsOf = (commands: readonly RedisCommand[]): readonly Unit[] => {
  const units: Unit[] = [];
  let following: number | undefined;
  for (let end = commands.length; end > 0;) {
    const at = isNamed(commands[end - 1], 'EXEC') ? beginOf(commands, end) : end - 1;
    const own = commands.slice(at, end);
    const slot = firstSlot(own) ?? following;
    units.push({ commands: own, at, slot });
    following = slot;
    end = at;
  }
  const last = units.find(({ slot }) => slot !== undefined)?.slot;
  return units.reverse().map((unit) => (unit.slot === undefined ? { ...unit, slot: last } : unit));
};

/** Of a transaction that ends there: at its MULTI, where it has one. */
const beginOf = (commands: readonly RedisCommand[], end: number): number => {
  const before = commands.slice(0, end - 1);
  const begin = before.findLastIndex((command) => isNamed(command, 'MULTI'));
  const another = before.findLastIndex((command) => isNamed(command, 'EXEC'));
  return begin > another ? begin : end - 1;
};

const isNamed = (command: RedisCommand | undefined, name: string): boolean => command?.[0].toUpperCase() === name;

const firstSlot = (commands: readonly RedisCommand[]): number | undefined => {
  for (const command of commands) {
    const key = firstKey(command);
    if (key !== undefined) return slotOf(key);
  }
  return undefined;
};
