import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { CliContext } from './cli-context.ts';
import { EXIT } from './exit-codes.ts';
import type { Incident } from './incident/incident-file.ts';
import type { ReplayedStep } from './incident/replay-incident.ts';
import { newCommand, type Act } from './new-command.ts';
import { parseCount } from './options.ts';

/** `pgbaton replay`: decides again what a group decided, from an exported file. */
export function replayCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'replay',
    'decide again what a group has decided, from a file of "show events --export"',
    'pgbaton replay incident.jsonl',
    'pgbaton replay incident.jsonl --at 1234',
  );
  return command
    .argument('<file>', 'the incident file')
    .option('--at <event>', 'show one event in full: the evidence and how the record changed', parseCount)
    .action(
      act<{ readonly at?: number }>(async ({ options, words, ui }) => {
        const [file = ''] = words;
        const incident = await readIncident(resolve(context.cwd, file), file);
        const { countOutcomes, replayIncident } = await import('./incident/replay-incident.ts');
        const { renderReplay, renderStep } = await import('./incident/render-replay.ts');
        const { toJson } = await import('./incident/replay-json.ts');
        const steps = replayIncident(incident);
        const shown = options.at === undefined ? steps : [await stepAt(steps, options.at, file)];
        ui.show(toJson(incident, shown), () =>
          shown === steps ? renderReplay(incident, steps, file) : shown.map(renderStep).join(''),
        );
        const { same, different } = countOutcomes(shown);
        // Nothing that could be replayed proves nothing; one event that is no decision was only looked at.
        return different > 0 || (shown === steps && same === 0) ? EXIT.failed : EXIT.done;
      }),
    );
}

async function readIncident(path: string, file: string): Promise<Incident> {
  const { incidentError, parseIncident } = await import('./incident/incident-file.ts');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw incidentError(`the incident file "${file}" can't be read`, `${(error as Error).message}.`);
  }
  const incident = parseIncident(text, file);
  if (incident.entries.some(({ kind }) => kind === 'decision')) return incident;
  throw incidentError(
    `the incident file "${file}" holds no decision`,
    undefined,
    'Export more of the history: "pgbaton show events --export FILE --count 5000".',
  );
}

async function stepAt(steps: readonly ReplayedStep[], id: number, file: string): Promise<ReplayedStep> {
  const step = steps.find(({ entry }) => entry.id === id);
  if (step !== undefined) return step;
  const { BatonError } = await import('../lib/baton-error.ts');
  throw new BatonError('BATON_USAGE', `the incident file "${file}" has no event ${id}`, {
    hint: `"pgbaton replay ${file}" lists them.`,
  });
}
