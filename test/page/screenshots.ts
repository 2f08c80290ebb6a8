import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { say } from '../support/tools.ts';

/** What the pages looked like, for people to look at; not in the repository. */
export const SCREENSHOTS = join(import.meta.dirname, 'screenshots');

/** Once, behind all tests of the page. */
export const teardown = (): void => {
  if (existsSync(SCREENSHOTS)) say(`screenshots of the page are in ${relative(process.cwd(), SCREENSHOTS)}`);
};
