import type { RecordHeaders } from '../../clients/kafka/port.ts';
import { HEADER } from '../../core/key-record.ts';

/** I7: whether a record tells of this very database, whose state is the newer one. */
export const isOwnRecord = (origin: string, db: number): ((headers: RecordHeaders) => boolean) => {
  const originBytes = Buffer.from(origin);
  const dbBytes = Buffer.from(String(db));
  return (headers) =>
    headers.get(HEADER.origin)?.equals(originBytes) === true && headers.get(HEADER.db)?.equals(dbBytes) === true;
};
