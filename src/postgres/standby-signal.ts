import type { TimeLimit } from '../system/clock.ts';
import type { ServerContext } from './server-context.ts';

/**
 * A primary has its standby.signal too, except while pgbaton starts it: the
 * server looks at the file at its start only. So a primary that anybody else
 * starts, an administrator or the machine, comes up as a standby, and writes
 * nothing beside the primary that the group may have chosen meanwhile.
 */
export async function placeStandbySignal(context: ServerContext, limit: TimeLimit): Promise<void> {
  const { disk, files } = context;
  if (!(await disk.exists(files.standbySignal, limit)))
    await disk.writeText(files.standbySignal, '', 0o600, limit);
}

/** Just before a start as the primary, or before a recovery in single-user mode, which refuses the file. */
export async function removeStandbySignal(context: ServerContext, limit: TimeLimit): Promise<void> {
  await context.disk.remove(context.files.standbySignal, limit);
}
