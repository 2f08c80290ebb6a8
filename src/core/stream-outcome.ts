/**
 * What became of an entry of a stream: `deleted` by someone else after it was handed to us and before it could be read
 * again. One that came again after a fault counts again.
 */
export type StreamOutcome = 'published' | 'dead-lettered' | 'deleted';
