import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { LetterChoice, LetterQuery, Letters, Settlement } from '../../dead-letters/letters.ts';
import { AdminRefusal } from './admin.ts';
import { CHOICE, DISCARDED, LETTERS, LETTER_QUERY, RETRIED } from './schemas.ts';

/** As the schema lets it through. */
type Choice = { readonly ids: readonly string[] } | { readonly topic: string; readonly all: true };

/** 500 ids of the longest topic name there can be. */
const BODY_LIMIT_BYTES = 200_000;

export const addLetterRoutes = (api: FastifyInstance, letters: Letters): void => {
  const listing = { summary: 'List dead letters', operationId: 'list-dead-letters' };
  api.get<{ Querystring: LetterQuery }>(
    '/dead-letters',
    { config: { scope: 'read' }, schema: { ...listing, querystring: LETTER_QUERY, response: LETTERS } },
    ({ query: { topic, limit, after } }) => {
      assertKnown(letters, topic ?? after?.split('/')[0]);
      return letters.list({ topic, limit, after });
    },
  );
  addAction(api, letters, {
    name: 'retry',
    summary: 'Give dead letters back to the flow that put them aside',
    response: RETRIED,
    act: async (choice) => {
      const { done: retried, ...others } = await letters.retry(choice);
      return { retried, ...others };
    },
  });
  addAction(api, letters, {
    name: 'discard',
    summary: 'List dead letters no more',
    response: DISCARDED,
    act: async (choice) => {
      const { done: discarded, alreadyDone, failed, more } = await letters.discard(choice);
      return { discarded, alreadyDone, failed, more };
    },
  });
};

interface Action {
  readonly name: 'retry' | 'discard';
  readonly summary: string;
  readonly response: object;
  readonly act: (choice: LetterChoice) => Promise<Partial<Settlement>>;
}

const addAction = (api: FastifyInstance, letters: Letters, { name, summary, response, act }: Action): void => {
  const schema = { summary, operationId: `${name}-dead-letters`, body: CHOICE, response };
  api.post<{ Body: Choice }>(
    `/dead-letters/${name}`,
    { config: { scope: 'admin', action: `${name} dead letters` }, bodyLimit: BODY_LIMIT_BYTES, schema },
    async (request) => {
      const { body } = request;
      request.audit = 'ids' in body ? { letters: body.ids.length, first: body.ids[0] } : { topic: body.topic };
      if ('topic' in body) assertKnown(letters, body.topic);
      const settlement = await act(body);
      tell(request, settlement);
      return settlement;
    },
  );
};

const tell = (request: FastifyRequest, { failed = [], ...counts }: Partial<Settlement>): void => {
  request.audit = { ...request.audit, ...counts, failed: failed.length };
};

const assertKnown = ({ topics }: Letters, topic: string | undefined): void => {
  if (topic === undefined || topics.includes(topic)) return;
  const known = topics.length === 0 ? 'none is' : `these are: ${topics.join(', ')}`;
  throw new AdminRefusal('not_found', `${topic} is no dead-letter topic of a source or sink; ${known}`);
};
