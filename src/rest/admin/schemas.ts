/** JSON schemas of the admin API: what Fastify checks and writes, and what the OpenAPI document tells. */

const text = { type: 'string' } as const;
const count = { type: 'integer', minimum: 0 } as const;
const unixMs = { type: 'integer', description: 'Unix ms' } as const;
const nullable = (type: 'string' | 'integer') => ({ type: [type, 'null'] }) as const;

/** Kafka's own bound is 249 characters, and a partition and an offset. */
const MAX_ID = 300;
const ID = '^[\\w.-]+/\\d{1,9}/\\d{1,19}$';
export const MAX_IDS = 500;
const MAX_GLOB = 1_024;

const object = <P extends object>(properties: P, required: readonly (keyof P & string)[] = []) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});

const error = object({ error: object({ code: text, message: text }, ['code', 'message']) }, ['error']);

/** Every route may answer so. */
const REFUSALS = {
  400: { description: 'The request is malformed.', ...error },
  401: { description: 'No valid token.', ...error },
  403: { description: 'The read-only token may not do this.', ...error },
  404: { description: 'There is no such source, sink or topic.', ...error },
  409: { description: 'It cannot be done, or not just now.', ...error },
  503: { description: 'Kafka, Redis or the state volume is out of reach; nothing was changed.', ...error },
} as const;

export const NAME = object({ name: text }, ['name']);

export const PAUSED = {
  200: {
    description: 'It is so, and stays so across restarts.',
    ...object({ name: text, paused: { type: 'boolean' } }),
  },
  ...REFUSALS,
};

export const SNAPSHOT_BODY = {
  ...object({
    match: {
      type: ['string', 'null'],
      maxLength: MAX_GLOB,
      description: 'A Redis glob; absent: all keys of the source',
    },
  }),
  type: ['object', 'null'],
};

export const SNAPSHOT = {
  202: {
    description: 'It is under way; its progress is in the status of the source.',
    ...object({ name: text, snapshot: object({ id: text, match: nullable('string'), startedAt: unixMs }) }),
  },
  ...REFUSALS,
};

export const LETTER_QUERY = object({
  topic: { ...text, maxLength: MAX_ID, description: 'A dead-letter topic of a sink or source; absent: all of them' },
  limit: { type: 'integer', minimum: 1, maximum: MAX_IDS, default: 50 },
  after: { ...text, maxLength: MAX_ID, pattern: ID, description: '`next` of the page before' },
});

const letter = object({
  id: { ...text, description: 'topic/partition/offset of the letter' },
  flow: nullable('string'),
  cause: { ...nullable('string'), description: 'An error code' },
  message: nullable('string'),
  at: unixMs,
  origin: object({ topic: text, partition: count, offset: text }),
  key: nullable('string'),
  keyEncoding: { ...text, enum: ['base64'], description: 'Where the key is not valid UTF-8' },
  bytes: { ...nullable('integer'), description: 'Of the value; null: it has none' },
});

export const LETTERS = {
  200: {
    description: 'Letters that are not done with.',
    ...object({ letters: { type: 'array', items: letter }, next: nullable('string') }),
  },
  ...REFUSALS,
};

const id = { ...text, maxLength: MAX_ID, pattern: ID };

export const CHOICE = {
  description: 'Letters by id, or all of a topic',
  ...object({
    ids: { type: 'array', items: id, minItems: 1, maxItems: MAX_IDS },
    topic: { ...text, maxLength: MAX_ID },
    all: { type: 'boolean', const: true },
  }),
  oneOf: [{ required: ['ids'] }, { required: ['topic', 'all'] }],
};

const failed = { type: 'array', items: object({ id: text, message: text }) };
const more = { type: 'boolean', description: 'There are more than one call takes: ask again' };

export const RETRIED = {
  200: {
    description: 'What became of them. Those that failed stay where they are.',
    ...object({ retried: count, superseded: count, alreadyDone: count, failed, more }),
  },
  ...REFUSALS,
};

export const DISCARDED = {
  200: {
    description: 'What became of them.',
    ...object({ discarded: count, alreadyDone: count, failed, more }),
  },
  ...REFUSALS,
};
