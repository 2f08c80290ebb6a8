import type { KeyState, KeyValue, PackedType } from '../core/key-state.ts';

const ARRAY_16 = 0xdc;
const ARRAY_32 = 0xdd;
const SHORT_ARRAY = 0x90;
const SHORT_ARRAY_MAX = 0x9f;
const SHORT_STRING = 0xa0;
const SHORT_STRING_MAX = 0xbf;
const STRING_8 = 0xd9;
const STRING_16 = 0xda;
const STRING_32 = 0xdb;

/**
 * Where the strings of a packed collection stand in it. They are byte ranges, not Buffers: to make a Buffer of each takes
 * longer than all else that is done with a small hash. One table is used over and over.
 */
export class PackedStrings {
  bytes: Buffer = NO_BYTES;
  count = 0;
  starts = new Uint32Array(64);
  ends = new Uint32Array(64);

  /** @param bytes a MessagePack array of strings, as Redis' cmsgpack packs a Lua table of them. */
  load(bytes: Buffer): void {
    this.bytes = bytes;
    let at = this.#open(bytes);
    for (let index = 0; index < this.count; index += 1) {
      const start = at + headerBytes(bytes, at);
      const end = start + lengthAt(bytes, at);
      if (end > bytes.length) throw new RangeError('a packed string is cut off');
      this.starts[index] = start;
      this.ends[index] = end;
      at = end;
    }
  }

  /** The bytes of one string; a view. */
  at(index: number): Buffer {
    return this.bytes.subarray(this.starts[index], this.ends[index]);
  }

  /** As Buffer.compare. */
  compare(one: number, other: number): number {
    const { bytes } = this;
    let [from, otherFrom] = [this.starts[one] ?? 0, this.starts[other] ?? 0];
    const length = (this.ends[one] ?? 0) - from;
    const otherLength = (this.ends[other] ?? 0) - otherFrom;
    for (let left = Math.min(length, otherLength); left > 0; left -= 1) {
      const difference = (bytes[from++] ?? 0) - (bytes[otherFrom++] ?? 0);
      if (difference !== 0) return difference;
    }
    return length - otherLength;
  }

  /** Reads the array's header. Returns where its first string begins. */
  #open(bytes: Buffer): number {
    const opening = bytes[0] ?? 0;
    let at = 1;
    if (opening >= SHORT_ARRAY && opening <= SHORT_ARRAY_MAX) this.count = opening - SHORT_ARRAY;
    else if (opening === ARRAY_16) [this.count, at] = [bytes.readUInt16BE(1), 3];
    else if (opening === ARRAY_32) [this.count, at] = [bytes.readUInt32BE(1), 5];
    else throw new RangeError(`a packed collection begins with ${opening}`);
    if (this.count > this.starts.length) {
      const room = 2 ** Math.ceil(Math.log2(this.count));
      [this.starts, this.ends] = [new Uint32Array(room), new Uint32Array(room)];
    }
    return at;
  }
}

const NO_BYTES = Buffer.alloc(0);

const headerBytes = (bytes: Buffer, at: number): number => {
  const opening = bytes[at] ?? 0;
  if (opening >= SHORT_STRING && opening <= SHORT_STRING_MAX) return 1;
  if (opening === STRING_8) return 2;
  if (opening === STRING_16) return 3;
  if (opening === STRING_32) return 5;
  throw new RangeError(`a packed string begins with ${opening}`);
};

const lengthAt = (bytes: Buffer, at: number): number => {
  const opening = bytes[at] ?? 0;
  if (opening <= SHORT_STRING_MAX) return opening - SHORT_STRING;
  if (opening === STRING_8) return bytes[at + 1] ?? 0;
  return opening === STRING_16 ? bytes.readUInt16BE(at + 1) : bytes.readUInt32BE(at + 1);
};

/** The state with its collection's strings each by itself. */
export const unpacked = (state: KeyState): KeyState =>
  state.value.type === 'packed' ? { ...state, value: unpackedValue(state.value) } : state;

export const unpackedValue = ({
  redisType,
  strings,
}: Extract<KeyValue, { readonly type: 'packed' }>): Extract<KeyValue, { readonly type: PackedType }> => {
  const table = new PackedStrings();
  table.load(strings);
  const all = Array.from({ length: table.count }, (_, index) => table.at(index));
  switch (redisType) {
    case 'hash':
    case 'zset':
      return { type: redisType, entries: all };
    case 'list':
      return { type: redisType, items: all };
    case 'set':
      return { type: redisType, members: all };
  }
};
