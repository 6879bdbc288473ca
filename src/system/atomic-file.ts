import { open, rename, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Replaces a file so that after a crash at any moment either the old or the
 * new content is there, whole, and once this returns, the new one. `signal`
 * stops it between two steps: a write that hung must not take effect after its
 * caller has given up.
 */
export async function writeFileAtomically(
  path: string,
  content: string,
  options: { readonly mode: number; readonly signal?: AbortSignal },
): Promise<void> {
  // Always the same name, so that what a crash leaves behind is overwritten and does not pile up.
  const temporary = `${path}.pgbaton-new`;
  options.signal?.throwIfAborted();
  const file = await open(temporary, 'w', options.mode);
  try {
    // The umask may have taken bits off, and a left-over may have another mode.
    await file.chmod(options.mode);
    await file.writeFile(content, 'utf8');
    await file.sync();
  } finally {
    await file.close();
  }
  options.signal?.throwIfAborted();
  await rename(temporary, path);
  await syncDirectory(dirname(path));
}

/** Makes renames, creations and removals in the directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory: FileHandle = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
