/** A MessagePack array of strings, as Redis' cmsgpack writes it. */
export const packed = (strings: readonly Buffer[]): Buffer =>
  Buffer.concat([header(strings.length, 0x90, 15, 0xdc), ...strings.flatMap((each) => [stringHeader(each), each])]);

const stringHeader = ({ length }: Buffer): Buffer => {
  if (length > 31 && length <= 0xff) return Buffer.from([0xd9, length]);
  return header(length, 0xa0, 31, 0xda);
};

/** The short form in one byte, else 16 or 32 bits behind their code and the next one. */
const header = (count: number, short: number, shortMax: number, code16: number): Buffer => {
  if (count <= shortMax) return Buffer.from([short + count]);
  const bytes = Buffer.alloc(count <= 0xffff ? 3 : 5);
  bytes[0] = count <= 0xffff ? code16 : code16 + 1;
  if (count <= 0xffff) bytes.writeUInt16BE(count, 1);
  else bytes.writeUInt32BE(count, 1);
  return bytes;
};
