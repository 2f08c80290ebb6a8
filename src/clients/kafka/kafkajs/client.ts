import kafkajs, { type Kafka } from 'kafkajs';

import type { DriverOptions } from '../driver-options.ts';
import type { Overheard } from './overheard.ts';
import { securityOptions } from './security.ts';

/** Few and quick: whoever calls us, or our own loop, tries again and knows how long. */
export const RETRY = { initialRetryTime: 100, maxRetryTime: 300, retries: 1 };

/** kafkajs fetches nothing ahead: the next fetch waits for the handlers of the last one, so this bounds its memory. */
export const CONSUMER_SETTINGS = {
  sessionTimeout: 10_000,
  rebalanceTimeout: 60_000,
  heartbeatInterval: 1_000,
  maxBytes: 4_000_000,
  maxBytesPerPartition: 512_000,
  maxWaitTimeInMs: 500,
  allowAutoTopicCreation: false,
  // Its restarts can't be stopped: a crash ends the session, and its owner begins another one.
  retry: { ...RETRY, restartOnFailure: () => Promise.resolve(false) },
};

/**
 * The library writes to the console on its own: its words go to our logger instead, or nowhere.
 * @param overheard is told of the errors among them
 */
export const kafkajsClient = (options: DriverOptions, overheard?: Overheard): Kafka => {
  const { brokers, clientId, logger } = options;
  return new kafkajs.Kafka({
    ...securityOptions(options),
    brokers: [...brokers],
    clientId,
    connectionTimeout: 3_000,
    requestTimeout: 7_000,
    retry: RETRY,
    logLevel: logger === undefined ? kafkajs.logLevel.ERROR : kafkajs.logLevel.INFO,
    logCreator:
      () =>
      ({ namespace, log: { message, ['error']: error } }) => {
        if (typeof error === 'string') overheard?.hear(error);
        logger?.debug({ namespace }, `kafkajs: ${message}`);
      },
  });
};
