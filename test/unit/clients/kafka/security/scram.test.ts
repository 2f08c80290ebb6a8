import { describe, expect, it } from 'vitest';
import { authenticateScram } from '../../../../../src/clients/kafka/security/scram.ts';

/** The example of RFC 7677, section 3. */
const EXAMPLE = {
  options: { hash: 'sha256', username: 'user', password: 'pencil', nonce: 'rOprNGfwEbeRWgbNEkqO' },
  answers: [
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  ],
} as const;

const said: string[] = [];
/** Plays the broker. */
const answering = (...answers: readonly string[]) => {
  said.length = 0;
  return (bytes: Buffer): Promise<Buffer> => {
    said.push(bytes.toString());
    return Promise.resolve(Buffer.from(answers[said.length - 1] ?? ''));
  };
};

describe('SCRAM', () => {
  it('says what RFC 7677 has as its example', async () => {
    await authenticateScram(EXAMPLE.options, answering(...EXAMPLE.answers));
    expect(said).toEqual([
      'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    ]);
  });

  it('escapes every comma and equals sign of a user name', async () => {
    const options = { ...EXAMPLE.options, username: 'a=b,c=d,e' };
    await expect(authenticateScram(options, answering(...EXAMPLE.answers))).rejects.toThrow();
    expect(said[0]).toMatch(/^n,,n=a=3Db=2Cc=3Dd=2Ce,r=/);
  });

  it.each([
    ['answers somebody else', ['r=other,s=AA==,i=4096'], /nonce does not begin with ours/],
    ['wants too few iterations', [EXAMPLE.answers[0].replace('4096', '100')], /wants 100 iterations/],
    ['answers nonsense', ['nonsense'], /nonce/],
    ['does not know the password', [EXAMPLE.answers[0], 'v=AAAA'], /not the broker that it claims to be/],
    ['says nothing of itself', [EXAMPLE.answers[0], ''], /not the broker that it claims to be/],
    ['refuses', [EXAMPLE.answers[0], 'e=invalid-proof'], /says invalid-proof/],
  ])('fails where the broker %s', async (_, answers, words) => {
    const failed = authenticateScram(EXAMPLE.options, answering(...answers));
    await expect(failed).rejects.toMatchObject({
      code: 'KF_KAFKA_AUTH',
      message: expect.stringMatching(words) as string,
    });
  });
});
