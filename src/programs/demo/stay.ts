import { once } from 'node:events';
import type { DemoGroup, DemoNode } from './demo-group.ts';
import { DEMO_DATABASE, DEMO_USER, missingFrom, readRows } from './demo-rows.ts';
import type { RecordingWriter } from './recording-writer.ts';
import type { Story } from './story.ts';
import { connectToServer } from './writer-connection.ts';

/** Between two writes while people play, ms. */
const PLAYING_PAUSE_MS = 20;

/**
 * Leaves the group to whoever wants to play with it, tells what happens, and
 * returns how many acknowledged rows are missing when Ctrl-C ends that.
 */
export async function stayUntilInterrupted(
  group: DemoGroup,
  writer: RecordingWriter,
  story: Story,
  command: string,
  signal: AbortSignal,
): Promise<number> {
  story.plain(renderInvitation(group, command));
  story.chapter('What happens now');
  writer.setPause(PLAYING_PAUSE_MS);
  story.tellGaps(true);
  if (!signal.aborted) await once(signal, 'abort');
  story.tellGaps(false);
  await writer.stop();

  const primary = await findWritable(group.nodes);
  const acknowledged = writer.idsSince(0);
  const count = acknowledged.length.toLocaleString('en-US');
  if (primary === undefined) {
    story.plain(
      `\n${count} rows were acknowledged; no server takes writes, so nobody can say whether they are all there.`,
    );
    return 0;
  }
  const lost = missingFrom(await readRows(primary), acknowledged).length;
  story.plain(
    `\n${count} rows were acknowledged in all, and ${lost === 0 ? 'none' : lost} of them lost. Everything is being removed.`,
  );
  return lost;
}

async function findWritable(nodes: readonly DemoNode[]): Promise<DemoNode | undefined> {
  for (const node of nodes) {
    const connection = await connectToServer(node, { user: DEMO_USER, dbname: DEMO_DATABASE });
    const isWritable = await connection?.isWritable();
    connection?.close();
    if (isWritable === true) return node;
  }
  return undefined;
}

/** What to type into another terminal while the group runs. */
function renderInvitation(group: DemoGroup, command: string): string {
  const hosts = group.nodes.map(({ host, port }) => `${host}:${port}`).join(',');
  const uri = `postgres://${DEMO_USER}@${hosts}/${DEMO_DATABASE}?target_session_attrs=read-write&sslmode=require`;
  return [
    '',
    'The group runs on, and so does the writer. In another terminal:',
    '',
    `  export PGDATA=${group.home.directory}`,
    `  ${command} show state`,
    `  ${command} perform switchover`,
    `  ${command} why`,
    `  ${command} watch`,
    `  psql '${uri}'`,
    '',
    'Kill what you like, for example the PostgreSQL of a node:',
    '',
    `  kill -9 $(head -1 ${group.nodes[0]?.dataDirectory}/postmaster.pid)`,
    '',
    'Ctrl-C ends and removes all of it.',
  ].join('\n');
}
