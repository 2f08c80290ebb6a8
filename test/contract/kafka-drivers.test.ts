import { inject } from 'vitest';
import { adminContract } from './kafka-admin-contract.ts';
import { consumerContract } from './kafka-consumer-contract.ts';
import { producerContract } from './kafka-producer-contract.ts';
import { readerContract } from './kafka-reader-contract.ts';

for (const client of ['platformatic', 'kafkajs'] as const) {
  const brokers = inject('kafkaBrokers');
  producerContract(client, brokers);
  adminContract(client, brokers);
  readerContract(client, brokers);
  consumerContract(client, brokers);
}
