/** Child of the durability test: swaps in a loop and tells each version once it was answered. */
import { openSqliteStore } from '../../src/store/sqlite-store.ts';

const call = { timeoutMs: 5_000 };
const store = openSqliteStore(process.argv[2] ?? '');
for (;;) {
  const current = await store.get('counter', call);
  const { version } = await store.list('', call);
  const seen = JSON.parse(current?.value ?? '[]') as number[];
  const value = JSON.stringify([...seen, version + 1]);
  const result = await store.swap(
    { changes: [{ key: 'counter', expected: current?.version ?? null, value }] },
    call,
  );
  if (result.kind !== 'written') throw new Error(`the swap gave ${result.kind}`);
  process.send?.(result.version);
  // Lets the message leave the process before the next swap.
  await new Promise((resolve) => setImmediate(resolve));
}
