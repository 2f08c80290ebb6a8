import { processProvider } from './process-provider.ts';
import type { StackProvider } from './stack.ts';

/** How servers are started: KEYFERRY_TEST_STACK says which, else a Docker engine that has the images is taken. */
export const stackKind = async (): Promise<StackProvider['name']> => {
  const wanted = process.env['KEYFERRY_TEST_STACK'];
  if (wanted === 'processes' || wanted === 'containers') return wanted;
  if (wanted !== undefined) throw new Error(`KEYFERRY_TEST_STACK is processes or containers, not ${wanted}`);
  const { missingImages } = await import('./container-provider.ts');
  return (await missingImages())?.length === 0 ? 'containers' : 'processes';
};

let provider: Promise<StackProvider> | undefined;

/** The servers' provider of this process. Its servers end with `disposeStack`, and at the latest with the process. */
export const stackProvider = (): Promise<StackProvider> => {
  provider ??= openProvider();
  return provider;
};

/** Ends the servers of this process, where it started any. */
export const disposeStack = async (): Promise<void> => {
  await (await provider)?.dispose();
  provider = undefined;
};

const openProvider = async (): Promise<StackProvider> => {
  if ((await stackKind()) === 'processes') return processProvider();
  const { containerProvider } = await import('./container-provider.ts');
  return containerProvider();
};
