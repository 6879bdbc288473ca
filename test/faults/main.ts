/** The fault suite: real servers on hosts in network namespaces. See docs/verification.md. */
import { join, relative, resolve } from 'node:path';
import { reachableCheckout } from '../../scripts/reachable-checkout.ts';
import { whyNoHosts } from '../support/hosts/host-tools.ts';
import { observedRun, runAsObserver } from '../support/hosts/observer.ts';
import { parseOptions } from './options.ts';
import { listScenarios, runSuite } from './suite.ts';

/** What it needs is not here. */
const EXIT_USAGE = 2;

async function main(argv: readonly string[]): Promise<number> {
  const options = parseOptions(argv);
  if (options.list) {
    console.log(listScenarios(options));
    return 0;
  }
  const run = observedRun();
  if (run !== undefined) return runSuite(run, options);
  const obstacle = whyNoHosts();
  if (obstacle !== undefined) {
    console.error(`the fault suite can't run here: ${obstacle}`);
    return EXIT_USAGE;
  }
  return observe(argv);
}

/** Everything runs once more from inside the network, in a checkout that the user of the servers can read. */
async function observe(argv: readonly string[]): Promise<number> {
  const root = resolve(import.meta.dirname, '../..');
  const checkout = reachableCheckout(root);
  // Ctrl-C ends this process without a way back to here.
  process.once('exit', () => checkout.remove());
  const here = (path: string): string => join(checkout.root, relative(root, path));
  const node = process.execPath.startsWith(`${root}/`) ? here(process.execPath) : process.execPath;
  return runAsObserver([node, here(import.meta.filename), ...argv]);
}

process.exit(await main(process.argv.slice(2)));
