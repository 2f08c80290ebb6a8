import { processProvider } from './process-provider.ts';
import type { StackProvider } from './stack.ts';

let provider: Promise<StackProvider> | undefined;

/** The servers' provider of this process. Its servers end with `dispose`, and at the latest with the process. */
export const stackProvider = (): Promise<StackProvider> => {
  provider ??= Promise.resolve(processProvider());
  return provider;
};

/** Ends the servers of this process, where it started any. */
export const disposeStack = async (): Promise<void> => {
  await (await provider)?.dispose();
  provider = undefined;
};
