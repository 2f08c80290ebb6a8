import type { DriverOptions } from './driver-options.ts';
import { kafkajsDriver } from './kafkajs-driver.ts';
import { platformaticDriver } from './platformatic-driver.ts';
import type { KafkaDriver } from './port.ts';

export type KafkaClient = 'platformatic' | 'kafkajs';

/** Nothing connects before it is used: an unreachable broker shows at the first request. */
export const connectKafka = ({ client, ...options }: DriverOptions & { readonly client: KafkaClient }): KafkaDriver => {
  switch (client) {
    case 'platformatic':
      return platformaticDriver(options);
    case 'kafkajs':
      return kafkajsDriver(options);
  }
};
