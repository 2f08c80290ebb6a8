import { messageOf } from '../../src/core/errors.ts';
import { missingImages, pullImages } from '../../test/support/container-provider.ts';
import type { StackProvider } from '../../test/support/stack.ts';

const PULL_TIMEOUT_MS = 180_000;

/**
 * Containers where a Docker engine answers and has the images, or gets them in time; processes otherwise.
 * KEYFERRY_TEST_STACK decides instead, where it is set.
 */
export const chooseStack = async (say: (text: string) => void): Promise<StackProvider['name']> => {
  const wanted = process.env['KEYFERRY_TEST_STACK'];
  if (wanted === 'processes') return wanted;
  const missing = await missingImages();
  if (missing === undefined) {
    if (wanted === 'containers') throw new Error('KEYFERRY_TEST_STACK is containers, and no Docker engine answers');
    return 'processes';
  }
  if (missing.length === 0) return 'containers';
  say(`pulling ${missing.join(' and ')} (KEYFERRY_TEST_STACK=processes does without)`);
  try {
    await pullImages(missing, PULL_TIMEOUT_MS);
    return 'containers';
  } catch (error) {
    if (wanted === 'containers') throw error;
    say(`no images: ${messageOf(error)}`);
    return 'processes';
  }
};
