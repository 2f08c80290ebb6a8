import type { Redis } from 'ioredis';
import { PREFIX } from './given.ts';

/** One write of an application, and the keys that it touches. */
export interface Change {
  /** As a person would type it; keys without the demo's prefix. */
  readonly text: string;
  readonly keys: readonly string[];
  readonly run: (redis: Redis) => Promise<unknown>;
}

const CITIES = ['Lisbon', 'Osaka', 'Nairobi', 'Lima', 'Oslo', 'Hanoi'];
const GOODS = ['tea', 'lamp', 'rope', 'map', 'boots', 'kettle'];
/** Few, so that most carts and profiles that a change takes away from are there. */
const CUSTOMERS = 8;
const SESSION_S = 20;

const pick = <T>(from: readonly [T, ...T[]] | readonly T[]): T => from[Math.floor(Math.random() * from.length)] as T;
const amount = (max: number): number => 1 + Math.floor(Math.random() * max);

/** A command that touches the key after its name. */
const single = (name: string, key: string, ...args: (string | number)[]): Change => ({
  text: [name, key, ...args].join(' '),
  keys: [PREFIX + key],
  run: (redis) => redis.call(name, PREFIX + key, ...args),
});

/** A shop at work: each kind of change as often as its place in the list says. */
const KINDS: readonly (() => Change)[] = [
  () => single('HSET', `profile:${amount(CUSTOMERS)}`, 'city', pick(CITIES), 'visits', amount(99)),
  () => single('HSET', `profile:${amount(CUSTOMERS)}`, 'points', amount(5_000)),
  () => single('SET', `session:${amount(999)}`, `token-${amount(99_999)}`, 'EX', SESSION_S),
  () => single('RPUSH', `cart:${amount(CUSTOMERS)}`, pick(GOODS)),
  () => single('RPUSH', `cart:${amount(CUSTOMERS)}`, pick(GOODS), pick(GOODS)),
  () => single('LPOP', `cart:${amount(CUSTOMERS)}`),
  () => single('INCR', 'counter:page-views'),
  () => single('ZINCRBY', 'ranking:goods', amount(9), pick(GOODS)),
  () => single('SADD', `tags:${pick(GOODS)}`, pick(CITIES)),
  () => single('XADD', 'orders', 'MAXLEN', 50, '*', 'customer', amount(CUSTOMERS), 'total', amount(300)),
  () => single('EXPIRE', `profile:${amount(CUSTOMERS)}`, 600),
  () => single('DEL', `cart:${amount(CUSTOMERS)}`),
];

/** A cart with something in it becomes an order: one key goes, another comes. */
function checkOut(): Change {
  const customer = amount(CUSTOMERS);
  const [cart, order] = [`cart:${customer}`, `order:${customer}`];
  return {
    text: `RPUSH ${cart} … · RENAME ${cart} ${order}`,
    keys: [PREFIX + cart, PREFIX + order],
    run: async (redis) => {
      await redis.rpush(PREFIX + cart, pick(GOODS));
      await redis.rename(PREFIX + cart, PREFIX + order);
    },
  };
}

/** @param options oneKey: a command has one key, as in a cluster, where others would need keys of one slot. */
export const nextChange = ({ oneKey = false } = {}): Change => pick(oneKey ? KINDS : [...KINDS, checkOut])();

/** Many keys in one write. */
export const burst = (count: number): Change => {
  const keys = Array.from({ length: count }, (_, at) => `${PREFIX}price:${at}`);
  return {
    text: `MSET price:0 … price:${count - 1}`,
    keys,
    run: (redis) => redis.mset(keys.flatMap((key) => [key, String(amount(500))])),
  };
};
