import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runSeed } from './run.ts';
import type { Scenario } from './scenario.ts';

const FOLDER = 'sim-failures';
const LINES_MAX = 400;

/**
 * Writes what somebody needs who looks for the cause: the story to read, and
 * the scenario that `--replay` runs again and `sim/regressions/` keeps.
 */
export function writeFailure(scenario: Scenario): string {
  const story = tellStory(scenario);
  mkdirSync(FOLDER, { recursive: true });
  const file = join(FOLDER, `${scenario.seed}.txt`);
  writeFileSync(file, `${story}\n`);
  writeFileSync(join(FOLDER, `${scenario.seed}.json`), `${JSON.stringify(scenario, null, 2)}\n`);
  return file;
}

/** Who did what and when, and which invariant broke. */
export function tellStory(scenario: Scenario): string {
  const lines: string[] = [];
  const { violation } = runSeed({ ...scenario, without: [], onTrace: (line) => lines.push(line) });
  const { seed, nodes, clients, schedule } = scenario;
  return [
    `seed ${seed}: ${nodes} nodes, ${clients} clients`,
    `broken: ${violation?.invariant ?? 'nothing'}`,
    ...(violation === undefined ? [] : [`at ${(violation.atMs / 1_000).toFixed(3)} s: ${violation.detail}`]),
    '',
    'faults, in seconds since the group was whole:',
    ...schedule.map(({ atMs, kind }) => `${(atMs / 1_000).toFixed(3).padStart(9)} ${kind}`),
    '',
    ...shorten(lines),
  ].join('\n');
}

/** Leaves out the middle: the beginning has the faults, the end what broke. */
function shorten(lines: readonly string[]): readonly string[] {
  if (lines.length <= LINES_MAX) return lines;
  const half = LINES_MAX / 2;
  return [...lines.slice(0, half), `… ${lines.length - LINES_MAX} lines …`, ...lines.slice(-half)];
}
