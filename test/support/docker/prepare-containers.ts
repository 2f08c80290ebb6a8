import { DEFAULT_IMAGES } from '../container-provider.ts';
import { kafkaImage, redisImage } from '../images/local-images.ts';
import { type Engine, dockerEngine } from './engine.ts';

/**
 * An engine, and in it the servers' images: started, pulled or built, where they are missing. What the environment names
 * (KEYFERRY_TEST_REDIS_IMAGE, KEYFERRY_TEST_KAFKA_IMAGE) is taken as it is.
 */
export const prepareContainers = async (): Promise<Engine> => {
  const engine = await dockerEngine();
  process.env['KEYFERRY_TEST_REDIS_IMAGE'] ??= await redisImage(DEFAULT_IMAGES.redis);
  process.env['KEYFERRY_TEST_KAFKA_IMAGE'] ??= await kafkaImage(DEFAULT_IMAGES.kafka);
  return engine;
};
