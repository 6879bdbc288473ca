import type { TestEvent } from 'node:test/reporters';

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** A reporter of node:test that writes only how many tests passed, as JSON: the summary of all files. */
export default async function* reportCounts(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    if (type !== 'test:summary' || data.file !== undefined) continue;
    const { tests, passed, skipped, todo } = data.counts;
    // What was cancelled has not passed, and counts as failed.
    const counts: TestCounts = { passed, failed: tests - passed - skipped - todo, skipped };
    yield JSON.stringify(counts);
  }
}
