import { readFile } from 'node:fs/promises';
import { BatonError } from '../lib/baton-error.ts';
import type { Lsn } from '../core/lsn.ts';
import { startCountdown, type TimeLimit } from '../system/clock.ts';
import { runOrFail } from '../system/run-command.ts';
import { limitOf } from './configuration.ts';
import { parseControlFile } from './control-file.ts';
import { program, type ServerContext } from './server-context.ts';

/** The parts of pg_control that matter here. */
export interface ControlData {
  readonly systemIdentifier: string;
  readonly state: ControlState;
  readonly checkpointLsn: Lsn;
  readonly checkpointTimeline: number;
  /** How far a standby must replay before it is consistent; 0/0 on a primary. */
  readonly minimumRecoveryEnd: Lsn;
  readonly minimumRecoveryTimeline: number;
  readonly walSegmentBytes: number;
  readonly walBlockBytes: number;
  readonly hasChecksums: boolean;
  readonly hasWalLogHints: boolean;
}

/** `shut_down`: a primary's clean end; `shut_down_in_recovery`: a standby's. Everything else is a crash when no server runs. */
export type ControlState =
  | 'starting_up'
  | 'shut_down'
  | 'shut_down_in_recovery'
  | 'shutting_down'
  | 'in_crash_recovery'
  | 'in_archive_recovery'
  | 'in_production';

const STATES: Readonly<Record<string, ControlState>> = {
  'starting up': 'starting_up',
  'shut down': 'shut_down',
  'shut down in recovery': 'shut_down_in_recovery',
  'shutting down': 'shutting_down',
  'in crash recovery': 'in_crash_recovery',
  'in archive recovery': 'in_archive_recovery',
  'in production': 'in_production',
};

/** Reads pg_control; by pg_controldata where its layout is not known here. */
export async function readControlData(context: ServerContext, limit: TimeLimit): Promise<ControlData> {
  const countdown = startCountdown(limit);
  const { controlFile } = context.files;
  const file = await context.disk.run(`reading "${controlFile}"`, limit, () => readFile(controlFile));
  const known = parseControlFile(file);
  if (known !== undefined) return known;
  const args = ['-D', context.options.dataDirectory];
  const command = program(context, 'pg_controldata');
  const { stdout } = await runOrFail(context.run, command, args, limitOf(countdown));
  return parseControlData(stdout);
}

/** Reads the output of pg_controldata in the C locale. Throws BATON_DATA_DIRECTORY when it makes no sense. */
export function parseControlData(output: string): ControlData {
  const fields = new Map<string, string>();
  for (const line of output.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  const field = (name: string): string => {
    const value = fields.get(name);
    if (value === undefined) {
      throw new BatonError('BATON_DATA_DIRECTORY', `pg_controldata did not print "${name}"`, {
        detail: output.slice(0, 500),
      });
    }
    return value;
  };
  const stateText = field('Database cluster state');
  const state = STATES[stateText];
  if (state === undefined) {
    throw new BatonError('BATON_DATA_DIRECTORY', `pg_control has an unknown state "${stateText}"`);
  }
  return {
    systemIdentifier: field('Database system identifier'),
    state,
    checkpointLsn: field('Latest checkpoint location'),
    checkpointTimeline: Number(field("Latest checkpoint's TimeLineID")),
    minimumRecoveryEnd: field('Minimum recovery ending location'),
    minimumRecoveryTimeline: Number(field("Min recovery ending loc's timeline")),
    walSegmentBytes: Number(field('Bytes per WAL segment')),
    walBlockBytes: Number(field('WAL block size')),
    hasChecksums: field('Data page checksum version') !== '0',
    hasWalLogHints: field('wal_log_hints setting') === 'on',
  };
}

/** Whether a server that does not run was stopped in an orderly way. */
export function isCleanlyStopped(control: ControlData): boolean {
  return control.state === 'shut_down' || control.state === 'shut_down_in_recovery';
}
