/** One turn of a login's conversation: sends our bytes, and gives the broker's. @throws KeyferryError */
export type Exchange = (bytes: Buffer) => Promise<Buffer>;
