import type { DriverOptions } from './driver-options.ts';
import { KafkajsAdmin } from './kafkajs/admin.ts';
import { KafkajsGroupConsumer } from './kafkajs/consumer.ts';
import { KafkajsReader } from './kafkajs/reader.ts';
import { KafkajsTransport } from './kafkajs/transport.ts';
import { LaneProducer } from './lane-producer.ts';
import type { KafkaDriver } from './port.ts';

/** The port on kafkajs. Nothing connects before it is used. */
export const kafkajsDriver = (options: DriverOptions): KafkaDriver => ({
  producer: () => Promise.resolve(new LaneProducer(new KafkajsTransport(options))),
  groupConsumer: (group) => new KafkajsGroupConsumer(options, group),
  reader: () => new KafkajsReader(options),
  admin: () => new KafkajsAdmin(options),
});
