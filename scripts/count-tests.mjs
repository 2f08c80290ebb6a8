/**
 * A vitest reporter: leaves in the file KEYFERRY_TEST_COUNTS, as JSON, what came of each file of tests, by its path: how many passed,
 * failed and were skipped, and of each failure its file, its name and its error.
 */
import { writeFileSync } from 'node:fs';

const ERROR_LENGTH = 2_000;

const said = (errors) =>
  errors
    .map((error) => error.stack ?? error.message)
    .join('\n')
    .slice(0, ERROR_LENGTH);

const countsOf = (module) => {
  const counts = { passed: 0, failed: 0, skipped: 0, failures: [] };
  // A file that could not be loaded has no tests to count, and those whose set-up failed did not run: one failure stands for them.
  for (const group of [module, ...module.children.allSuites()]) {
    if (group.errors().length === 0) continue;
    counts.failed += 1;
    counts.failures.push(
      `${[module.relativeModuleId, group.fullName ?? []].flat().join(' > ')}\n${said(group.errors())}`,
    );
  }
  for (const test of module.children.allTests()) {
    const { state, errors } = test.result();
    // Pending: cut off before its end.
    counts[state === 'pending' ? 'failed' : state] += 1;
    if (state === 'failed' || state === 'pending') {
      counts.failures.push(`${module.relativeModuleId} > ${test.fullName}\n${said(errors ?? [])}`);
    }
  }
  return counts;
};

export default class CountTests {
  onTestRunEnd(modules, unhandledErrors) {
    const files = Object.fromEntries(modules.map((module) => [module.relativeModuleId, countsOf(module)]));
    const outside = unhandledErrors.length > 0 ? [`outside of any test\n${said(unhandledErrors)}`] : [];
    writeFileSync(process.env.KEYFERRY_TEST_COUNTS, JSON.stringify({ files, outside }));
  }
}
