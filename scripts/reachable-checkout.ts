import { execFileSync } from 'node:child_process';
import { chmodSync, constants, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A checkout that every user of the machine can read. */
export interface ReachableCheckout {
  readonly root: string;
  /** Removes what was made for it. */
  remove(): void;
}

/**
 * Started by root, tests go on as the user postgres, who can't enter a home
 * directory such as root's. Then they run in a copy of the checkout, made of
 * hard links where the file system allows.
 */
export function reachableCheckout(root: string): ReachableCheckout {
  if (process.getuid?.() !== 0 || canBeEntered(root)) return { root, remove: () => undefined };
  const parent = mkdtempSync(join(tmpdir(), 'pgbaton-checkout-'));
  const remove = (): void => rmSync(parent, { recursive: true, force: true });
  try {
    chmodSync(parent, 0o755);
    const copy = join(parent, 'pgbaton');
    copyTree(root, copy);
    console.log(`the user postgres can not enter ${root}: the tests run in a copy, ${copy}`);
    return { root: copy, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function canBeEntered(folder: string): boolean {
  if ((statSync(folder).mode & constants.S_IXOTH) === 0) return false;
  return folder === dirname(folder) || canBeEntered(dirname(folder));
}

function copyTree(from: string, to: string): void {
  try {
    execFileSync('cp', ['-al', from, to], { stdio: 'ignore', timeout: 60_000 });
  } catch {
    // Another file system: hard links do not reach over there.
    rmSync(to, { recursive: true, force: true });
    execFileSync('cp', ['-a', from, to], { timeout: 300_000 });
  }
}
