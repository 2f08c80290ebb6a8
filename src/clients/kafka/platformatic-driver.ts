import type { DriverOptions } from './driver-options.ts';
import { LaneProducer } from './lane-producer.ts';
import { PlatformaticAdmin } from './platformatic/admin.ts';
import { PlatformaticGroupConsumer } from './platformatic/consumer.ts';
import { PlatformaticReader } from './platformatic/reader.ts';
import { PlatformaticTransport } from './platformatic/transport.ts';
import type { KafkaDriver } from './port.ts';

/** The port on @platformatic/kafka. Nothing connects before it is used. */
export const platformaticDriver = (options: DriverOptions): KafkaDriver => ({
  producer: () => Promise.resolve(new LaneProducer(new PlatformaticTransport(options))),
  groupConsumer: (group) => new PlatformaticGroupConsumer(options, group),
  reader: () => new PlatformaticReader(options),
  admin: () => new PlatformaticAdmin(options),
});
