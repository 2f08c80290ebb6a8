import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { Admin, alterUserScramCredentialsV0 } from '@platformatic/kafka';

const SCRAM_SHA_256 = 1;
const ITERATIONS = 4_096;
const HASH_BYTES = 32;

/** Gives a user of SCRAM-SHA-256 another password. @param brokers of a listener where we may do that */
export const changeScramPassword = async (
  brokers: readonly string[],
  name: string,
  password: string,
): Promise<void> => {
  const admin = new Admin({ clientId: 'scram-user', bootstrapBrokers: [...brokers] });
  const salt = randomBytes(16);
  const saltedPassword = pbkdf2Sync(password, salt, ITERATIONS, HASH_BYTES, 'sha256');
  try {
    const { brokers: known } = await admin.metadata({ topics: [] });
    const connection = await admin.connections.getFirstAvailable([...known.values()]);
    await alterUserScramCredentialsV0.api.async(
      connection,
      [],
      [{ name, mechanism: SCRAM_SHA_256, iterations: ITERATIONS, salt, saltedPassword }],
    );
  } finally {
    await admin.close();
  }
};
