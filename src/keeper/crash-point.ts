import type { Action } from '../core/action.ts';

/**
 * Places between two steps at which a test kills the keeper: before and after
 * every action, and inside those that write down something on their way.
 */
export type CrashPoint =
  | `before ${Action['kind']}`
  | `after ${Action['kind']}`
  | 'inside pledge: upstream cut, promise not written'
  | 'inside hand_over: shut down, promise not written'
  | 'inside promote: written down, not promoted'
  | 'inside promote: promoted, not observed'
  | 'inside start_primary: written down, not started'
  | 'inside start_primary: started, permission not written off'
  | MoveCrashPoint;

/** Of a keeper that follows its group into another home. */
export type MoveCrashPoint = (typeof MOVE_CRASH_POINTS)[number];

export const MOVE_CRASH_POINTS = [
  'inside move: last record of the old home written down, configuration not written',
  'inside move: configuration written, not arrived',
  'inside move: arrived, not connected',
] as const;

export const INNER_CRASH_POINTS: readonly CrashPoint[] = [
  'inside pledge: upstream cut, promise not written',
  'inside hand_over: shut down, promise not written',
  'inside promote: written down, not promoted',
  'inside promote: promoted, not observed',
  'inside start_primary: written down, not started',
  'inside start_primary: started, permission not written off',
];

export type PassCrashPoint = (point: CrashPoint) => void;

/**
 * Kills this very process with SIGKILL at the point named by
 * `PGBATON_CRASH_AT`; without it, nothing ever happens.
 */
export function crashAt(named: string | undefined): PassCrashPoint {
  if (named === undefined) return () => undefined;
  return (point) => {
    if (point === named) process.kill(process.pid, 'SIGKILL');
  };
}
