import type { Outcome } from './results.ts';

/** One panel of the picture. */
export interface Panel {
  readonly title: string;
  readonly bars: readonly { readonly name: string; readonly outcome: Outcome }[];
}

const WIDTH = 820;
const LEFT = 190;
const RIGHT = 110;
const ROW = 22;
const PANEL_TOP = 34;
const PANEL_BOTTOM = 16;
const AXIS = { from: 0.01, to: 200, marks: [0.01, 0.1, 1, 10, 100] };

/** Write gaps as horizontal bars on a logarithmic axis; readable on light and on dark ground. */
export function drawChart(panels: readonly Panel[]): string {
  let top = 30;
  const parts: string[] = [];
  for (const panel of panels) {
    parts.push(drawPanel(panel, top));
    top += PANEL_TOP + panel.bars.length * ROW + PANEL_BOTTOM;
  }
  const grid = AXIS.marks.map(
    (seconds) =>
      `<line class="grid" x1="${x(seconds)}" x2="${x(seconds)}" y1="22" y2="${top}"/>` +
      text(x(seconds), 14, `${seconds} s`, 'mark'),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" role="img" aria-label="Longest time without an acknowledged write, by system and fault">
<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.name { text-anchor: end }
.mark, .note { font-size: 11px; fill: #59636e }
.mark { text-anchor: middle }
.grid { stroke: #d1d9e0 }
.bar { fill: #8c959f }
.floor { fill: #c5cbd2 }
.pgbaton { fill: #0969da }
.range { stroke: #1f2328 }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc }
.mark, .note { fill: #9198a1 }
.grid { stroke: #3d444d }
.bar { fill: #6e7681 }
.floor { fill: #484f58 }
.pgbaton { fill: #4493f8 }
.range { stroke: #f0f6fc }
}
</style>
${text(8, 14, 'write gap, logarithmic', 'note')}
${grid.join('\n')}
${parts.join('\n')}
</svg>
`;
}

function drawPanel({ title, bars }: Panel, top: number): string {
  const rows = bars.map(({ name, outcome }, index) => {
    const y = top + PANEL_TOP + index * ROW;
    const middle = y + ROW / 2 - 2;
    const { write_gap_s: gap, write_gap_min_s: least, write_gap_max_s: most } = outcome;
    const system = text(LEFT - 8, middle + 4, name, 'name');
    if (outcome.with_gap === 0)
      return system + text(LEFT + 6, middle + 4, remarks(outcome).join(', '), 'value');
    return [
      system,
      `<rect class="bar ${name.split('-')[0]}" x="${LEFT}" y="${y}" width="${Math.max(1, x(gap) - LEFT)}" height="${ROW - 6}"/>`,
      `<line class="range" x1="${x(least)}" x2="${x(most)}" y1="${middle - 1}" y2="${middle - 1}"/>`,
      text(
        Math.max(x(most), x(gap)) + 6,
        middle + 4,
        [seconds(gap), ...remarks(outcome)].join(', '),
        'value',
      ),
    ].join('');
  });
  return [text(8, top + 24, title, 'title'), ...rows].join('\n');
}

/** What is worse than a gap. */
function remarks(outcome: Outcome): readonly string[] {
  const { failures, lost, split_brain_acks: split, healed, reps } = outcome;
  return [
    ...failures,
    ...(lost > 0 ? [`${lost} lost`] : []),
    ...(split > 0 ? [`${split} by a second primary`] : []),
    ...(healed < reps ? [healed === 0 ? 'did not heal' : `healed ${healed} of ${reps} times`] : []),
  ];
}

/** With as many digits as are worth anything. */
export function seconds(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 0)} s`;
}

function x(value: number): number {
  const share = Math.log(Math.max(value, AXIS.from) / AXIS.from) / Math.log(AXIS.to / AXIS.from);
  return Math.round(LEFT + Math.min(1, share) * (WIDTH - LEFT - RIGHT));
}

function text(left: number, top: number, content: string, kind: string): string {
  return `<text class="${kind}" x="${left}" y="${top}">${content}</text>`;
}
