import { styleText } from 'node:util';
import type { EventBody, NodeView } from '../../api/schemas.ts';
import { currentRule, type GroupRecord } from '../../core/group-record.ts';
import { describeRule } from '../../core/membership.ts';
import { formatBytes, formatClock, formatDuration } from '../format-quantity.ts';
import { layOut, renderHeader, renderRow, tableWidth, type Column } from '../render-table.ts';
import { formatAddress, formatPosition, isSilent } from '../render-state.ts';

/** All that the live view shows. */
export interface WatchView {
  readonly formation: string;
  readonly group: number;
  /** undefined until the monitor has answered. */
  readonly record: GroupRecord | undefined;
  readonly nodes: readonly NodeView[];
  /** Oldest first. */
  readonly events: readonly EventBody[];
  /** Why the monitor is not heard; undefined while it is. */
  readonly trouble: string | undefined;
  readonly now: Date;
}

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

type Style = Parameters<typeof styleText>[0];

interface Line {
  readonly text: string;
  readonly style?: Style;
}

/** The screen as it shall be: exactly `rows` lines, none wider than `columns`, with colours. Pure. */
export function renderWatchView(view: WatchView, { columns, rows }: ScreenSize): readonly string[] {
  const top = [...renderTitle(view, columns), ...renderNodes(view, columns), ...renderProblems(view)];
  const bottom: Line = { text: ' q quits', style: 'dim' };
  const room = rows - top.length - 1;
  const lines = [...top.slice(0, rows - 1), ...(room > 2 ? renderEvents(view, room) : [])];
  const filled = [
    ...lines,
    ...Array.from({ length: Math.max(0, rows - 1 - lines.length) }, () => ({ text: '' })),
  ];
  return [...filled, bottom].map((line) => paint(line, columns));
}

function paint({ text, style }: Line, columns: number): string {
  const cut = text.length > columns ? `${text.slice(0, Math.max(0, columns - 1))}…` : text;
  // Painted whatever the stream is: this is only ever drawn on a terminal.
  return style === undefined ? cut : styleText(style, cut, { validateStream: false });
}

function renderTitle(view: WatchView, columns: number): readonly Line[] {
  const left = ` pgbaton  formation "${view.formation}"  group ${view.group}`;
  const right = `${formatClock(view.now).slice(0, 8)} `;
  const title = {
    text: left.padEnd(Math.max(left.length + 2, columns - right.length)) + right,
    style: 'inverse' as const,
  };
  if (view.trouble !== undefined)
    return [title, { text: ` ${view.trouble}`, style: ['red', 'bold'] }, { text: '' }];
  return [title, { text: ` ${describeRecord(view.record)}`, style: 'dim' }, { text: '' }];
}

function describeRecord(record: GroupRecord | undefined): string {
  if (record === undefined) return 'asking the monitor';
  const { reign, intent } = record;
  if (intent !== null) return `${intent.kind} to term ${intent.term}: ${intent.because}`;
  const rule = currentRule(record);
  if (reign === null || rule === undefined) return 'no node has joined yet';
  return `term ${reign.term}; ${describeRule(record, rule)}`;
}

interface ViewColumn extends Column {
  cell(node: NodeView): string;
  /** The higher, the sooner it is left out on a narrow screen. */
  readonly dispensable: number;
}

const COLUMNS: readonly ViewColumn[] = [
  { title: 'Name', cell: (node) => node.name, dispensable: 0 },
  { title: 'Node', cell: (node) => String(node.node_id), dispensable: 3 },
  { title: 'Host:Port', cell: formatAddress, dispensable: 2 },
  { title: 'Quorum', cell: (node) => (node.replication_quorum ? 'yes' : 'no'), dispensable: 6 },
  { title: 'Priority', cell: (node) => String(node.candidate_priority), dispensable: 7 },
  {
    title: 'Report',
    minWidth: 7,
    cell: (node) => (node.report_age_ms === null ? 'never' : formatDuration(node.report_age_ms)),
    dispensable: 5,
  },
  { title: 'TLI: LSN', minWidth: 14, cell: formatPosition, dispensable: 1 },
  {
    title: 'Behind',
    minWidth: 9,
    cell: (node) => (node.lag_bytes === null ? '?' : formatBytes(node.lag_bytes)),
    dispensable: 4,
  },
  { title: 'Connection', minWidth: 11, cell: (node) => node.connection, dispensable: 0 },
  { title: 'Reported State', minWidth: 17, cell: (node) => node.reported_state, dispensable: 0 },
  { title: 'Assigned State', minWidth: 17, cell: (node) => node.assigned_state, dispensable: 0 },
];

function renderNodes({ nodes }: WatchView, columns: number): readonly Line[] {
  const chosen = fitting(nodes, columns);
  const rows = nodes.map((node) => chosen.map((column) => column.cell(node)));
  const layout = layOut(chosen, rows);
  const [titles, dashes] = renderHeader(layout);
  return [
    { text: titles, style: 'bold' },
    { text: dashes, style: 'dim' },
    ...nodes.map((node, index) => {
      const text = renderRow(layout, rows[index] ?? []);
      const style = styleOf(node);
      return style === undefined ? { text } : { text, style };
    }),
  ];
}

function fitting(nodes: readonly NodeView[], columns: number): readonly ViewColumn[] {
  let chosen = COLUMNS;
  const width = (): number =>
    tableWidth(
      layOut(
        chosen,
        nodes.map((node) => chosen.map((column) => column.cell(node))),
      ),
    );
  while (width() > columns) {
    const most = Math.max(...chosen.map(({ dispensable }) => dispensable));
    if (most === 0) break;
    chosen = chosen.filter(({ dispensable }) => dispensable < most);
  }
  return chosen;
}

function styleOf(node: NodeView): Style | undefined {
  if (isSilent(node)) return 'red';
  return node.reported_state === node.assigned_state ? undefined : 'yellow';
}

function renderProblems({ nodes }: WatchView): readonly Line[] {
  return nodes.flatMap((node): readonly Line[] => [
    ...(node.activity === null ? [] : [{ text: ` ${node.name}: ${node.activity}` }]),
    ...(node.problem === null ? [] : [{ text: ` ${node.name}: ${node.problem}`, style: 'red' as const }]),
  ]);
}

function renderEvents({ events }: WatchView, room: number): readonly Line[] {
  const shown = events.slice(-(room - 2)).map((event) => ({
    text: ` ${formatClock(new Date(event.at)).slice(0, 8)}  ${event.because}`,
    ...(event.kind === 'state' ? { style: 'dim' as const } : {}),
  }));
  return [{ text: '' }, { text: ' Events', style: 'bold' }, ...shown];
}
