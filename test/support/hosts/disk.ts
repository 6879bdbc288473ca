import { chmodSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { makeFolder } from './hosts-run.ts';
import { tool } from './host-tools.ts';

/** A file system of its own, so that it can be full, or hang, without any harm to the machine. */
export interface Disk {
  readonly path: string;
  /** Takes all that is left of it. */
  fill(): void;
  /** Gives back what {@link fill} took. */
  free(): void;
  /** Every write hangs until {@link thaw}, and so does whoever writes. */
  freeze(): void;
  /** Nothing when it is not frozen. */
  thaw(): void;
}

/** Mounts a new file system, from a file beside the mount point. Removed with the run. */
export function mountDisk(path: string, options: { readonly sizeMb: number; readonly user: string }): Disk {
  const image = `${path}.image`;
  const ballast = `${path}/ballast`;
  writeFileSync(image, '');
  tool('truncate', ['--size', `${options.sizeMb}M`, image]);
  // No blocks are kept for root: a full disk is to be full for everybody.
  tool('mkfs.ext4', ['-q', '-m', '0', image]);
  makeFolder(path, 'root');
  tool('mount', ['-o', 'loop', image, path]);
  rmSync(`${path}/lost+found`, { recursive: true });
  makeFolder(path, options.user);
  chmodSync(path, 0o755);
  let isFrozen = false;
  return {
    path,
    fill() {
      const { bavail, bsize } = statfsSync(path);
      // Not all that is free can be had in one piece; what remains in the end is less than the smallest.
      let taken = 0;
      for (let bytes = bavail * bsize; bytes >= bsize; bytes = Math.floor(bytes / 2)) {
        try {
          tool('fallocate', ['--offset', String(taken), '--length', String(bytes), ballast]);
          taken += bytes;
        } catch {
          // Too much: half of it next.
        }
      }
    },
    free: () => rmSync(ballast, { force: true }),
    freeze() {
      tool('fsfreeze', ['--freeze', path]);
      isFrozen = true;
    },
    thaw() {
      if (isFrozen) tool('fsfreeze', ['--unfreeze', path]);
      isFrozen = false;
    },
  };
}
