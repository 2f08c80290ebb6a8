import kafkajs, { type Kafka } from 'kafkajs';

import type { DriverOptions } from '../driver-options.ts';

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

/** The library writes to the console on its own: its words go to our logger instead, or nowhere. */
export const kafkajsClient = ({ brokers, clientId, logger }: DriverOptions): Kafka =>
  new kafkajs.Kafka({
    brokers: [...brokers],
    clientId,
    connectionTimeout: 3_000,
    requestTimeout: 7_000,
    retry: RETRY,
    logLevel: logger === undefined ? kafkajs.logLevel.NOTHING : kafkajs.logLevel.INFO,
    logCreator:
      () =>
      ({ namespace, log: { message } }) => {
        logger?.debug({ namespace }, `kafkajs: ${message}`);
      },
  });
