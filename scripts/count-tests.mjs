/** A vitest reporter: leaves the numbers of passed, failed and skipped tests in the file KEYFERRY_TEST_COUNTS, as JSON. */
import { writeFileSync } from 'node:fs';

export default class CountTests {
  onTestRunEnd(modules) {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      // A file that could not be loaded has no tests to count; one failure stands for them.
      if (module.errors().length > 0) counts.failed += 1;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        // Pending: cut off before its end.
        counts[state === 'pending' ? 'failed' : state] += 1;
      }
    }
    writeFileSync(process.env.KEYFERRY_TEST_COUNTS, JSON.stringify(counts));
  }
}
