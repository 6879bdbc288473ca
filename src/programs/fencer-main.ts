/** The fencer: a small process beside a keeper that ends PostgreSQL when the keeper can't. */
import { runFencer } from '../fencer/run-fencer.ts';

void runFencer(process.stdin, process.stdout).then(
  // A session may still be open, and a timer of the watchdog's.
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(
      `pgbaton: the fencer failed: ${error instanceof Error ? error.stack : String(error)}\n`,
    );
    process.exit(1);
  },
);
