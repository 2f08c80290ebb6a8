import type { DriverOptions } from './driver-options.ts';
import { PlatformaticAdmin } from './platformatic/admin.ts';
import { PlatformaticGroupConsumer } from './platformatic/consumer.ts';
import { PlatformaticProducer } from './platformatic/producer.ts';
import { PlatformaticReader } from './platformatic/reader.ts';
import type { KafkaDriver } from './port.ts';

/** The port on @platformatic/kafka. Nothing connects before it is used. */
export const platformaticDriver = (options: DriverOptions): KafkaDriver => {
  return {
    producer: () => Promise.resolve(new PlatformaticProducer(options)),
    groupConsumer: (group) => new PlatformaticGroupConsumer(options, group),
    reader: () => new PlatformaticReader(options),
    admin: () => new PlatformaticAdmin(options),
  };
};
