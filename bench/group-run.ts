import {
  createDemoTable,
  DEMO_DATABASE,
  DEMO_TABLE,
  DEMO_USER,
  missingFrom,
  readRows,
} from '../src/programs/demo/demo-rows.ts';
import type { DemoStore } from '../src/programs/demo/demo-home.ts';
import { withDemoGroup } from '../src/programs/demo/demo-group.ts';
import { measureFailover, measureSwitchover, whole } from '../src/programs/demo/measure.ts';
import { startRecordingWriter } from '../src/programs/demo/recording-writer.ts';
import { measureIdle, restartProcesses, type Usage } from './usage.ts';

/** One group from its bring-up to its removal. */
export interface GroupRun {
  readonly bringUpS: number;
  readonly failoverGapS: number;
  readonly rejoinS: number;
  readonly switchoverGapS: number;
  readonly acknowledged: number;
  readonly lost: number;
  /** The keeper that cost most, and the monitor, at rest; undefined unless asked for. */
  readonly idle: Usage | undefined;
}

export interface GroupRunOptions {
  readonly program: readonly string[];
  readonly store: DemoStore;
  readonly nodes: number;
  readonly signal: AbortSignal;
  /** How long to watch the processes at rest, ms; 0: not at all. */
  readonly idleMs: number;
}

export async function runGroup({
  program,
  store,
  nodes,
  signal,
  idleMs,
}: GroupRunOptions): Promise<GroupRun> {
  const beganMs = performance.now();
  return withDemoGroup(
    { nodes, store, parent: undefined, program, keep: false, signal, say: () => undefined },
    async (group) => {
      const primary = await whole(group);
      const bringUpS = (performance.now() - beganMs) / 1_000;
      await createDemoTable(primary);
      const writer = startRecordingWriter({
        servers: group.nodes,
        user: DEMO_USER,
        dbname: DEMO_DATABASE,
        table: DEMO_TABLE,
        pauseMs: 2,
      });
      try {
        const failover = await measureFailover(group, writer, () => undefined);
        const switchover = await measureSwitchover(group, writer, () => undefined);
        await writer.stop();
        const ids = writer.idsSince(0);
        return {
          bringUpS,
          failoverGapS: failover.writeGapS,
          rejoinS: failover.rejoinS,
          switchoverGapS: switchover.writeGapS,
          acknowledged: ids.length,
          lost: missingFrom(await readRows(switchover.to), ids).length,
          idle:
            idleMs === 0
              ? undefined
              : await measureIdle(await restartProcesses(group, signal), idleMs, signal),
        };
      } finally {
        await writer.stop();
      }
    },
  );
}
