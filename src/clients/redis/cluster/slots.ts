import { SLOT_COUNT } from '../fixed-topology.ts';

const OPEN = 0x7b;
const CLOSE = 0x7d;

/** CRC16/XMODEM: polynomial 0x1021, no reflection, starts at 0. */
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
  return crc;
});

/**
 * The hash slot of a key, 0 to 16383. Of a key with a `{tag}` that is not empty only the first tag counts, so that keys
 * can be put into one slot on purpose.
 */
export const slotOf = (key: Uint8Array): number => {
  let from = 0;
  let to = key.length;
  const open = key.indexOf(OPEN);
  if (open >= 0) {
    const close = key.indexOf(CLOSE, open + 1);
    if (close > open + 1) [from, to] = [open + 1, close];
  }
  let crc = 0;
  for (let at = from; at < to; at += 1) {
    crc = ((crc << 8) ^ (TABLE[(crc >> 8) ^ (key[at] ?? 0)] ?? 0)) & 0xffff;
  }
  return crc % SLOT_COUNT;
};

let tags: readonly number[] = [];

/** The least number that has the slot: as a hash tag it puts any key there. */
export const tagOfSlot = (slot: number): string => {
  if (tags.length === 0) tags = leastNumbers();
  return String(tags[slot]);
};

/** By slot. The last one is found after some 110,000 numbers. */
const leastNumbers = (): readonly number[] => {
  const found: (number | undefined)[] = Array.from({ length: SLOT_COUNT });
  for (let number = 0, missing = SLOT_COUNT; missing > 0; number += 1) {
    const slot = slotOf(Buffer.from(String(number)));
    if (found[slot] !== undefined) continue;
    found[slot] = number;
    missing -= 1;
  }
  return found as number[];
};
