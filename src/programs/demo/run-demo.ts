import { existsSync } from 'node:fs';
import { BatonError, toBatonError } from '../../lib/baton-error.ts';
import { withDemoGroup, type DemoGroup } from './demo-group.ts';
import type { DemoOptions, TextSink } from './demo-options.ts';
import { renderJson, renderTable, toSeconds, type ChangeFigures, type DemoResult } from './demo-result.ts';
import {
  createDemoTable,
  DEMO_DATABASE,
  DEMO_TABLE,
  DEMO_USER,
  missingAfterReplay,
  missingFrom,
  readRows,
} from './demo-rows.ts';
import { listenForInterruption } from './interruption.ts';
import { measureFailover, measureSwitchover, whole, type ChangeResult } from './measure.ts';
import { startRecordingWriter, type RecordingWriter } from './recording-writer.ts';
import { stayUntilInterrupted } from './stay.ts';
import { createStory, type Story } from './story.ts';

const DONE = 0;
const FAILED = 1;
/** As a shell reports a program that Ctrl-C ended. */
const INTERRUPTED = 130;

const NODES_MIN = 2;
const NODES_MAX = 9;

/** Between two writes, ms: short against the gaps to be measured. */
const WRITE_PAUSE_MS = 2;
/** How long a standby may take to replay what it has acknowledged, ms. */
const REPLAY_MS = 10_000;

/**
 * Brings up a monitor, or an etcd, and real servers, kills the primary, brings it back,
 * moves the primary role, and says what the clients saw; then stays until
 * Ctrl-C, unless `once`. Removes everything again, also after an error or
 * Ctrl-C in the middle. Returns the exit code: 0 when nothing was lost, all
 * recovered, and nothing is left running.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const { stdout = process.stdout, stderr = process.stderr } = options;
  const story = createStory(options.json ? stderr : stdout);
  const interruption = listenForInterruption(options.signal);
  try {
    assertNodes(options.nodes);
    const beganMs = performance.now();
    story.chapter(
      `${options.store === 'etcd' ? 'An etcd' : 'A monitor'} and ${options.nodes} PostgreSQL servers on this machine`,
    );
    const result = await withDemoGroup(
      {
        nodes: options.nodes,
        store: options.store ?? 'monitor',
        parent: options.directory,
        program: options.program ?? [process.execPath, ...process.execArgv, process.argv[1] ?? ''],
        keep: options.keep,
        signal: interruption.signal,
        say: (text) => story.line(text),
      },
      (group) => perform(group, options, story, beganMs, interruption.signal),
    );
    if (options.json) stdout.write(renderJson(result));
    return result.ok ? DONE : FAILED;
  } catch (thrown) {
    if (interruption.signal.aborted && thrown === interruption.signal.reason) {
      story.plain('\nInterrupted; everything is stopped and removed.');
      return INTERRUPTED;
    }
    tellFailure(toBatonError(thrown), { stderr, stdout: options.json ? stdout : undefined });
    return FAILED;
  } finally {
    interruption.close();
  }
}

async function perform(
  group: DemoGroup,
  options: DemoOptions,
  story: Story,
  beganMs: number,
  signal: AbortSignal,
): Promise<DemoResult> {
  group.states.onEvent((event) => story.event(event));
  const primary = await whole(group);
  const bringupS = (performance.now() - beganMs) / 1_000;
  story.line(`${primary.name} is the primary, and each of the others can take over at any time`);
  await createDemoTable(primary);
  const writer = startRecordingWriter({
    servers: group.nodes,
    user: DEMO_USER,
    dbname: DEMO_DATABASE,
    table: DEMO_TABLE,
    pauseMs: WRITE_PAUSE_MS,
    onAcknowledged: (sinceLastMs) => story.acknowledged(sinceLastMs),
  });
  try {
    const figures = await changeTwice(group, writer, story, bringupS);
    const result = options.store === 'etcd' ? { ...figures, store: options.store } : figures;
    story.plain(`\n${renderTable(result)}`);
    if (options.once) return result;
    const lostLater = await stayUntilInterrupted(group, writer, story, commandName(), signal);
    return { ...result, ok: result.ok && lostLater === 0 };
  } finally {
    await writer.stop();
  }
}

/** One unplanned and one planned change of primary under writes, and a look at what every server has afterwards. */
async function changeTwice(
  group: DemoGroup,
  writer: RecordingWriter,
  story: Story,
  bringupS: number,
): Promise<DemoResult> {
  story.chapter('A client writes row after row; the PostgreSQL of the primary is killed');
  const failover = await measureFailover(group, writer, (node, pid) => {
    story.countFromNow();
    story.line(`kill -9 ${pid}, the PostgreSQL of ${node.name}`);
  });
  story.line(`${failover.to.name} is the primary, ${failover.from.name} is back as a standby`);

  story.chapter('The client goes on writing; the primary role is moved (pgbaton perform switchover)');
  const switchover = await measureSwitchover(group, writer, () => story.countFromNow());
  story.line(`${switchover.to.name} is the primary, ${switchover.from.name} is a standby`);

  const present = await readRows(switchover.to);
  const lagging = await nodesMissingRows(group, writer.idsSince(0));
  for (const name of lagging) story.line(`${name} does not have all acknowledged rows`);
  const figures = (change: ChangeResult): ChangeFigures => ({
    write_gap_s: toSeconds(change.writeGapS),
    acked: change.ids.length,
    lost: missingFrom(present, change.ids).length,
  });
  const result = {
    bringup_s: toSeconds(bringupS),
    failover: figures(failover),
    switchover: figures(switchover),
    rejoin_s: toSeconds(failover.rejoinS),
    nodes: group.nodes.length,
  };
  return { ...result, ok: result.failover.lost + result.switchover.lost + lagging.length === 0 };
}

/** The names of the nodes that do not come to have every one of the rows. */
async function nodesMissingRows(group: DemoGroup, ids: readonly number[]): Promise<readonly string[]> {
  const missing = await Promise.all(group.nodes.map((node) => missingAfterReplay(node, ids, REPLAY_MS)));
  return group.nodes.filter((_, index) => (missing[index]?.length ?? 0) > 0).map(({ name }) => name);
}

function assertNodes(nodes: number): void {
  if (Number.isInteger(nodes) && nodes >= NODES_MIN && nodes <= NODES_MAX) return;
  throw new BatonError('BATON_USAGE', `the demo can't have ${nodes} nodes`, {
    hint: `Choose ${NODES_MIN} to ${NODES_MAX} nodes with --nodes.`,
  });
}

/** How a user types pgbaton where the demo was started. */
function commandName(): string {
  return existsSync('bin/pgbaton') ? 'bin/pgbaton' : 'pgbaton';
}

/** For people on stderr, and for programs, which read the last line, on stdout. */
function tellFailure(
  error: BatonError,
  { stdout, stderr }: { readonly stdout: TextSink | undefined; readonly stderr: TextSink },
): void {
  const { code, message, detail, hint } = error;
  stdout?.write(`${JSON.stringify({ ok: false, error: { code, message, detail, hint } })}\n`);
  stderr.write(`pgbaton: ${message}\n`);
  if (detail !== undefined) stderr.write(`DETAIL: ${detail}\n`);
  if (hint !== undefined) stderr.write(`HINT: ${hint}\n`);
}
