import { renderTable } from '../../src/cli/render-table.ts';
import type { Outcome } from './run-scenario.ts';

/** All outcomes, a row each. */
export function renderOutcomes(outcomes: readonly Outcome[]): string {
  const right = [
    'ok',
    'nodes',
    'gap',
    'budget',
    'rejoin',
    'acked',
    'unknown',
    'lost',
    'two acked',
    'both open',
    'undone reads',
  ];
  return renderTable(
    [{ title: 'scenario', align: 'left' }, ...right.map((title) => ({ title }))],
    outcomes.map((each) => [
      each.title,
      each.problems.length === 0 ? 'yes' : each.neededPerson ? 'PERSON' : 'NO',
      String(each.nodes),
      seconds(each.writeGapMs),
      each.budgetMs === null ? '' : seconds(each.budgetMs),
      each.rejoinMs === null ? '' : seconds(each.rejoinMs),
      String(each.acknowledged),
      String(each.unknown),
      String(each.lost),
      String(each.acknowledgedByTwo),
      seconds(each.bothOpenMs),
      String(each.rolledBackReads),
    ]),
  );
}

/** What went wrong, for people. */
export function renderProblems(outcomes: readonly Outcome[]): string {
  return outcomes
    .filter(({ problems }) => problems.length > 0)
    .map(
      ({ title, nodes, problems }) =>
        `\n${title} (${nodes} nodes):\n${problems.map((each) => `  ${each}\n`).join('')}`,
    )
    .join('');
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
