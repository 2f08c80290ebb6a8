/** What a sink of any producer's records writes them as, as far as the choices must fit each other. */
export interface PlainChoices {
  readonly format: 'json' | 'string';
  readonly as: string;
  /** Whether the key template names parts of the value. */
  readonly usesPaths: boolean;
  readonly maxLength?: number | undefined;
}

/** An option that does not fit the others, and the rest of the sentence about it. */
export interface Misfit {
  readonly option: 'as' | 'key' | 'maxLength';
  readonly what: string;
}

/** What a value without structure can be written as, and what grows. */
const OF_A_STRING = ['string', 'list', 'stream'];
const APPENDED = ['list', 'stream'];

export const plainMisfits = ({ format, as, usesPaths, maxLength }: PlainChoices): readonly Misfit[] => {
  const misfits: Misfit[] = [];
  if (format === 'string' && !OF_A_STRING.includes(as))
    misfits.push({
      option: 'as',
      what: `is ${as}, which needs format: json; a string becomes ${OF_A_STRING.join(', ')}`,
    });
  if (format === 'string' && usesPaths)
    misfits.push({ option: 'key', what: 'names parts of the value: that needs format: json' });
  if (maxLength !== undefined && !APPENDED.includes(as))
    misfits.push({ option: 'maxLength', what: `is for as: ${APPENDED.join(' or ')} only, and this is ${as}` });
  return misfits;
};
