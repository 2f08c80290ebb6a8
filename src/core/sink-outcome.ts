/**
 * What became of a record in a sink: `superseded` by a later one of its key in the same batch, `own` news of the very
 * database that the sink writes to, a `reserved` key of Keyferry's own; and where records are appended, `repeated`: added
 * before, and `empty`: a null, which adds nothing.
 */
export type SinkOutcome = 'applied' | 'superseded' | 'repeated' | 'empty' | 'own' | 'reserved' | 'dead-lettered';
