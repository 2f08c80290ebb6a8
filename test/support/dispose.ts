import { afterAll } from 'vitest';
import { disposeStack } from './provider.ts';

/** A setup file of each test file: the servers that it started end with it, whether it passed or not. */
afterAll(disposeStack);
