/**
 * A vitest reporter: leaves in the file KEYFERRY_TEST_COUNTS, as JSON, how many tests passed, failed and were skipped, and of each
 * that failed its file, its name and its error.
 */
import { writeFileSync } from 'node:fs';

const ERROR_LENGTH = 2_000;

const said = (errors) =>
  errors
    .map((error) => error.stack ?? error.message)
    .join('\n')
    .slice(0, ERROR_LENGTH);

export default class CountTests {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    const failures = unhandledErrors.length > 0 ? [`outside of any test\n${said(unhandledErrors)}`] : [];
    for (const module of modules) {
      // A file that could not be loaded has no tests to count; one failure stands for them.
      if (module.errors().length > 0) {
        counts.failed += 1;
        failures.push(`${module.relativeModuleId}\n${said(module.errors())}`);
      }
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result();
        // Pending: cut off before its end.
        counts[state === 'pending' ? 'failed' : state] += 1;
        if (state === 'failed' || state === 'pending') {
          failures.push(`${module.relativeModuleId} > ${test.fullName}\n${said(errors ?? [])}`);
        }
      }
    }
    writeFileSync(process.env.KEYFERRY_TEST_COUNTS, JSON.stringify({ ...counts, failures }));
  }
}
