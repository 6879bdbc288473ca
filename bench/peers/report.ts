import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { renderTable } from '../../src/cli/render-table.ts';
import { replacePart } from '../document-part.ts';
import { drawChart, seconds, type Panel } from './chart.ts';
import type { Outcomes } from './results.ts';
import { SCENARIOS } from './scenarios.ts';
import { SYSTEMS } from './systems/all.ts';

const PICTURE = 'failover-side-by-side.svg';

/** Writes the part of docs/benchmarks.md that compares, and its picture. */
export async function writeReport(root: string, outcomes: Outcomes): Promise<void> {
  const file = join(root, 'docs/benchmarks.md');
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const document = replacePart(before, 'side by side', renderSideBySide(outcomes));
  writeFileSync(file, await format(document, { ...(await resolveConfig(file)), parser: 'markdown' }));
  writeFileSync(join(root, 'docs', PICTURE), drawChart(panelsOf(outcomes)));
}

function panelsOf(outcomes: Outcomes): readonly Panel[] {
  return SCENARIOS.filter(({ name }) => outcomes[name] !== undefined).map(({ name, title }) => ({
    title,
    bars: ['floor', ...SYSTEMS.map((system) => system.name)]
      .map((system) => ({ name: system, outcome: outcomes[name]?.[system] }))
      .filter((bar): bar is Panel['bars'][number] => bar.outcome !== undefined),
  }));
}

function renderSideBySide(outcomes: Outcomes): string {
  const panels = panelsOf(outcomes);
  const settings = SYSTEMS.map(({ name, settings: text }) => `- ${name}: ${text}`);
  return `## Side by side with its peers

Written by \`npm run bench:failover\`, which adds repetitions to those of earlier runs ([results.jsonl](../bench/peers/results.jsonl)); each table says how many there are, and where it is one, chance has its part. Patroni 3.0.2 with three etcd 3.4.23, pg_auto_failover 2.0 and repmgr 5.3.3 as Debian 12 has them, with PostgreSQL 15 and three servers each, one host (network namespace) for every server, every etcd, the monitor and the client, all on one machine. The set-ups are the files in [bench/peers/systems](../bench/peers/systems).

The client is the same for all. It keeps a connection to every server, inserts a row about every 5 ms where writes are taken, and when an insert has not been answered for 100 ms it asks the others every 10 ms whether they take writes. A second client is inside the primary's host, and sees what an isolated primary acknowledges. The write gap is the longest time between two acknowledgements to the client, from the fault until all three servers are back. Lost: rows that were acknowledged to either client and are missing on the primary at the end. Split brain: rows that the old primary acknowledged after the new one had acknowledged its first. Both are sums over the repetitions. Healed: in how many of them all three servers were back within a minute with nobody's help.

- host lost: no network and no processes from one moment to the next; it boots again when its successor serves
- primary cut off: silence in both directions until 5 s after its successor has begun
- standby lost: the one that commits wait for, where there is one, away for 20 s
- control plane lost: the monitor, or all of etcd; repmgr has none

The floor is what bare servers need without anybody who notices or decides. repmgr was measured on another day than the rest, with other work on the machine: its switchover would be shorter without, the other times are those of its settings.

![Write gaps by system and fault](${PICTURE})

${panels.map(renderMarkdown).join('\n\n')}

Where the time goes:

- pgbaton: a dead PostgreSQL is reported at once, a lost host when its keeper and its replication have been silent for \`detection_ms\`.
- Patroni looks every \`loop_wait\`. A dead PostgreSQL is recovered in place, and handed over at once only with \`primary_start_timeout: 0\`. A lost host is missed when its key in etcd expires, up to \`ttl\` after it was renewed last. Its synchronous mode has one standby: commits wait while that is silent, until it is back or PostgreSQL gives up its connection (\`wal_sender_timeout\`, 60 s).
- pg_auto_failover: keepers report once a second, and each step of a change waits for a report. With three nodes every standby is restarted before the election, so that it receives nothing more from the old primary. A lost host is unhealthy after \`node_considered_unhealthy_timeout\`. A killed PostgreSQL is restarted in place by default; with the short times the monitor finds it unhealthy before that and changes the primary, which takes longer.
- repmgr tries to reach a primary \`reconnect_attempts\` times, \`reconnect_interval\` apart, whatever happened to it. Nobody ends an old primary that was cut off or is started again. Where a primary falls silent its daemons wait for an answer over the connection that they have: with the defaults nobody had taken over when the cut was taken back after three minutes.

What each was set to, beside the addresses:

${settings.join('\n')}

Unless it says \`sync\`, Patroni replicates asynchronously, and repmgr always does: that is their default, and commits can be lost. pg_auto_failover and pgbaton wait for one of two standbys. \`fast\` are the shortest times that a documentation allows; where it names none, the shortest that do not accuse healthy servers. Nobody helps a system beyond what its documentation says: repmgr, for one, leaves it to a person to bring an old primary back, and the benchmark does that after it has noted that it had to. Systems and faults without a line have not been measured yet.
`;
}

/** For people at a terminal: a table for each scenario. */
export function renderText(outcomes: Outcomes): string {
  return panelsOf(outcomes)
    .map(({ title, bars }) => {
      const columns = [title, ...TITLES].map((each, index) => ({
        title: each,
        align: index === 0 ? ('left' as const) : ('right' as const),
      }));
      return `\n${renderTable(columns, bars.map(cells))}`;
    })
    .join('');
}

function renderMarkdown({ title, bars }: Panel): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const header = [title, ...TITLES];
  return [header, header.map(() => '---'), ...bars.map(cells)].map(row).join('\n');
}

const TITLES = ['write gap, median', 'min', 'max', 'repetitions', 'lost', 'split brain', 'healed'];

function cells({ name, outcome }: Panel['bars'][number]): readonly string[] {
  const { failures, reps, lost, healed, split_brain_acks: split } = outcome;
  const gaps =
    outcome.with_gap === 0
      ? ['', '', '']
      : [outcome.write_gap_s, outcome.write_gap_min_s, outcome.write_gap_max_s].map(seconds);
  const gap = [gaps[0], ...failures].filter((each) => each !== '').join('; ');
  if (name === 'floor') return [name, ...gaps, '', '', '', ''];
  return [name, gap, ...gaps.slice(1), String(reps), String(lost), String(split), String(healed)];
}
