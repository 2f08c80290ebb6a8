import type { Clock } from '../../core/clock.ts';
import { isKeyferryError } from '../../core/errors.ts';
import type { KafkaMetrics } from '../../observability/metrics.ts';
import type { KafkaDriver, RecordProducer } from './port.ts';

/** The driver, with the sends of its producers timed, and counted by their error's code where they fail. */
export const metered = (driver: KafkaDriver, metrics: KafkaMetrics, clock: Clock): KafkaDriver => ({
  producer: async () => meteredProducer(await driver.producer(), metrics, clock),
  groupConsumer: (options) => driver.groupConsumer(options),
  reader: () => driver.reader(),
  admin: () => driver.admin(),
});

const meteredProducer = (producer: RecordProducer, metrics: KafkaMetrics, clock: Clock): RecordProducer => ({
  send: async (records) => {
    const start = clock.monotonic();
    try {
      const acknowledgements = await producer.send(records);
      metrics.produceSeconds((clock.monotonic() - start) / 1000);
      return acknowledgements;
    } catch (error) {
      metrics.produceFailed(isKeyferryError(error) ? error.code : 'KF_KAFKA_REFUSED');
      throw error;
    }
  },
  close: () => producer.close(),
});
