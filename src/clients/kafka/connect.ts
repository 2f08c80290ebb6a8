import { systemClock as clock } from '../../core/clock.ts';
import type { KafkaOptions } from './driver-options.ts';
import { kafkajsDriver } from './kafkajs-driver.ts';
import { platformaticDriver } from './platformatic-driver.ts';
import type { KafkaDriver } from './port.ts';
import { saslMechanism } from './security/sasl.ts';
import { tlsAccess } from './security/tls.ts';

export type KafkaClient = 'platformatic' | 'kafkajs';

export interface KafkaConnection extends KafkaOptions {
  readonly client: KafkaClient;
}

/**
 * Nothing connects before it is used: an unreachable broker shows at the first request.
 * @throws KF_KAFKA_AUTH where the files of `tls` cannot be used
 */
export const connectKafka = ({ client, tls, sasl, ...reach }: KafkaConnection): KafkaDriver => {
  const options = { ...reach, tls: tls && tlsAccess(tls), sasl: sasl && saslMechanism(sasl, clock) };
  switch (client) {
    case 'platformatic':
      return platformaticDriver(options);
    case 'kafkajs':
      return kafkajsDriver(options);
  }
};
