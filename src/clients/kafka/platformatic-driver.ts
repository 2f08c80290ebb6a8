import type { DriverOptions } from './driver-options.ts';
import { PlatformaticAdmin } from './platformatic/admin.ts';
import { PlatformaticProducer } from './platformatic/producer.ts';
import type { KafkaDriver } from './port.ts';

/** The port on @platformatic/kafka. Nothing connects before it is used. */
export const platformaticDriver = (options: DriverOptions): KafkaDriver => {
  return {
    producer: () => Promise.resolve(new PlatformaticProducer(options)),
    groupConsumer: () => {
      throw new Error('not there yet');
    },
    reader: () => {
      throw new Error('not there yet');
    },
    admin: () => new PlatformaticAdmin(options),
  };
};
