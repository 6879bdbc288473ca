/** One column of a table for people. */
export interface Column {
  readonly title: string;
  /** In characters; wider when its cells are. */
  readonly minWidth?: number;
  /** Right when not given, as in the tables that operators know. */
  readonly align?: 'left' | 'right';
}

/**
 * A table with a header, a dashed line and a row for each of `rows`:
 *
 *     Name |  Node
 *   -------+------
 *   node_1 |     1
 */
export function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const layout = layOut(columns, rows);
  return [...renderHeader(layout), ...rows.map((row) => renderRow(layout, row))]
    .map((line) => `${line}\n`)
    .join('');
}

/** Columns with their final widths, for tables whose rows come one by one. */
export type TableLayout = readonly (Column & { readonly width: number })[];

/** Widths that fit the titles and `rows`; what comes later and is wider shifts its own line only. */
export function layOut(columns: readonly Column[], rows: readonly (readonly string[])[]): TableLayout {
  return columns.map((column, index) => ({
    ...column,
    width: Math.max(column.minWidth ?? 0, column.title.length, ...rows.map((row) => row[index]?.length ?? 0)),
  }));
}

/** The titles and the dashed line. */
export function renderHeader(layout: TableLayout): readonly [string, string] {
  const dashes = layout.map(({ width }, index) => '-'.repeat(width + (index === 0 ? 1 : 2)));
  return [
    renderRow(
      layout,
      layout.map(({ title }) => title),
    ),
    dashes.join('+').slice(0, tableWidth(layout)),
  ];
}

/** One line, without a line end and without spaces at its end. */
export function renderRow(layout: TableLayout, cells: readonly string[]): string {
  return layout
    .map(({ width, align }, index) => {
      const cell = cells[index] ?? '';
      return align === 'left' ? cell.padEnd(width) : cell.padStart(width);
    })
    .join(' | ')
    .trimEnd();
}

/** How many characters a full line has. */
export function tableWidth(layout: TableLayout): number {
  return layout.reduce((sum, { width }) => sum + width, 0) + 3 * (layout.length - 1);
}
