import kafkajs from 'kafkajs';
import { eventually } from './eventually.ts';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes, logLevel } = kafkajs;

/** `Write on topic orders`, `Read on groups that begin with ferry-reader-`: as docs/kafka-security.md writes it. */
export type Grant = string;

const GRANT = /^(.+) on (topic|group)(?:s that begin with)? (\S+)$/;
const OPERATIONS: Readonly<Record<string, kafkajs.AclOperationTypes>> = {
  Read: AclOperationTypes.READ,
  Write: AclOperationTypes.WRITE,
  Create: AclOperationTypes.CREATE,
  Delete: AclOperationTypes.DELETE,
  Describe: AclOperationTypes.DESCRIBE,
  DescribeConfigs: AclOperationTypes.DESCRIBE_CONFIGS,
};

const entries = (principal: string, grant: Grant): kafkajs.AclEntry[] => {
  const [, operations = '', type = '', name = ''] = GRANT.exec(grant) ?? [];
  return operations.split(', ').map((operation) => ({
    resourceType: type === 'group' ? AclResourceTypes.GROUP : AclResourceTypes.TOPIC,
    resourceName: name,
    resourcePatternType: grant.includes('that begin with')
      ? ResourcePatternTypes.PREFIXED
      : ResourcePatternTypes.LITERAL,
    principal,
    host: '*',
    operation: OPERATIONS[operation] ?? AclOperationTypes.UNKNOWN,
    permissionType: AclPermissionTypes.ALLOW,
  }));
};

/**
 * Resolves once the broker goes by them, which it hears of after the answer.
 * @param brokers of a listener where we may change ACLs
 */
export const allow = async (brokers: readonly string[], user: string, grants: readonly Grant[]): Promise<void> => {
  const kafka = new kafkajs.Kafka({ brokers: [...brokers], clientId: 'acls', logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  try {
    const acl = grants.flatMap((grant) => entries(`User:${user}`, grant));
    await admin.createAcls({ acl });
    for (const entry of acl) {
      await eventually(async () => (await admin.describeAcls(entry)).resources.length > 0, { what: 'the ACL' });
    }
  } finally {
    await admin.disconnect();
  }
};
