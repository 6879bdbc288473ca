import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { reachableCheckout } from './reachable-checkout.ts';
import type { TestCounts } from './test-counts-reporter.ts';

interface Phase {
  readonly title: string;
  readonly files: readonly string[];
  readonly flags: readonly string[];
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const root = resolve(import.meta.dirname, '..');
const patterns = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const passedOn = process.argv.slice(2).filter((argument) => argument.startsWith('-'));

/** Integration tests that need the machine to themselves: what they watch depends on who is quick. */
const ALONE = [
  'cluster-failover',
  'cluster-switchover',
  'cluster-fencer',
  'cluster-hang',
  'cluster-lease',
  'etcd-async',
  'etcd-faults',
  'etcd-group',
  'hosts',
  'demo',
].map((name) => `test/integration/${name}.test.ts`);

const integration = testFiles(['test/integration/**/*.test.ts']);

// The time-out is only a net under tests that hang.
const NET = '--test-timeout=900000';

const phases = [
  {
    title: 'unit tests',
    files: testFiles([
      'src/**/*.test.ts',
      'sim/**/*.test.ts',
      '{scripts,bench}/**/*.test.ts',
      'test/{contract,faults}/**/*.test.ts',
      'test/*.test.ts',
    ]),
    // One process for all: starting one for each file would cost ten times what the tests cost.
    flags: ['--test-isolation=none'],
  },
  {
    title: 'integration tests, on real servers, two files at a time',
    // Three were tried: two cores had nothing left to give, and it took as long.
    files: integration.filter((file) => !ALONE.includes(file)),
    flags: ['--test-concurrency=2', NET],
  },
  {
    title: 'integration tests, on real servers, one file at a time',
    files: integration.filter((file) => ALONE.includes(file)),
    flags: ['--test-concurrency=1', NET],
  },
].filter(({ files }) => files.length > 0);

if (phases.length === 0) {
  console.error(`no test file has ${patterns.map((pattern) => `"${pattern}"`).join(' or ')} in its path`);
  process.exit(2);
}

const checkout = reachableCheckout(root);
let total: TestCounts = { passed: 0, failed: 0, skipped: 0 };
let failed = false;
let interrupted = false;
try {
  for (const phase of phases) {
    console.log(`${phase.title}: ${phase.files.length} files`);
    const { counts, exitCode } = await runPhase(phase);
    total = {
      passed: total.passed + counts.passed,
      failed: total.failed + counts.failed,
      skipped: total.skipped + counts.skipped,
    };
    failed ||= exitCode !== 0;
    if (interrupted) break;
  }
} finally {
  checkout.remove();
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = failed ? 1 : 0;

function testFiles(globs: readonly string[]): readonly string[] {
  const files = globSync([...globs], { cwd: root }).sort();
  if (patterns.length === 0) return files;
  return files.filter((file) => patterns.some((pattern) => file.includes(pattern)));
}

/** Runs the files under node:test, with its own report on stdout, and brings back how many passed. */
async function runPhase(phase: Phase): Promise<{ counts: TestCounts; exitCode: number | null }> {
  const directory = mkdtempSync(join(tmpdir(), 'pgbaton-test-counts-'));
  const countsFile = join(directory, 'counts.json');
  try {
    const reporters = [
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      `--test-reporter=${join(checkout.root, 'scripts/test-counts-reporter.ts')}`,
      `--test-reporter-destination=${countsFile}`,
    ];
    const args = ['--test', ...phase.flags, ...reporters, ...passedOn, ...phase.files];
    const exitCode = await run(nodeFile(), args);
    return { counts: readCounts(countsFile), exitCode };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A runner that died before its end has left no counts, and that is a failure. */
function readCounts(file: string): TestCounts {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as TestCounts;
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

/** The Node that runs this, where everybody can read it. */
function nodeFile(): string {
  const path = relative(root, process.execPath);
  return path.startsWith('..') ? process.execPath : join(checkout.root, path);
}

/** Resolves with the exit code; null when a signal ended the program. Ctrl-C ends it, and not this one before it. */
function run(file: string, args: readonly string[]): Promise<number | null> {
  return new Promise((done, reject) => {
    const child = spawn(file, args, { cwd: checkout.root, stdio: 'inherit' });
    const interrupt = (signal: NodeJS.Signals): void => {
      interrupted = true;
      child.kill(signal);
    };
    for (const name of SIGNALS) process.on(name, interrupt);
    child.once('error', reject);
    child.once('close', (exitCode) => {
      for (const name of SIGNALS) process.off(name, interrupt);
      done(exitCode);
    });
  });
}
