import { isDeepStrictEqual } from 'node:util';
import { findNode, type GroupRecord } from '../../core/group-record.ts';

/**
 * What differs between two documents, a line for each value: `intent.stage:
 * drain → elect`. Members of lists are told apart by their `id`; of other
 * lists it says what came and what went.
 */
export function describeChanges(before: unknown, after: unknown): readonly string[] {
  return changesAt('', before, after);
}

/** {@link describeChanges} of two records of a group, with the nodes' names in place of their ids. */
export function describeRecordChanges(before: GroupRecord, after: GroupRecord): readonly string[] {
  const nameOf = (id: unknown): unknown => {
    const node = typeof id === 'number' ? (findNode(after, id) ?? findNode(before, id)) : undefined;
    return node?.name ?? id;
  };
  return describeChanges(withNames(before, nameOf), withNames(after, nameOf));
}

/** Where a record holds the id of a node. */
const ID_KEYS: ReadonlySet<string> = new Set(['holder', 'from', 'target', 'candidate', 'source']);

function withNames(record: GroupRecord, nameOf: (id: unknown) => unknown): unknown {
  const named = (key: string, value: unknown): unknown => {
    if (ID_KEYS.has(key)) return nameOf(value);
    return key === 'cohort' && Array.isArray(value) ? value.map(nameOf) : value;
  };
  return JSON.parse(JSON.stringify(record), named);
}

function changesAt(path: string, before: unknown, after: unknown): readonly string[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (Array.isArray(before) && Array.isArray(after)) return listChanges(path, before, after);
  if (isDocument(before) && isDocument(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) => changesAt(path === '' ? key : `${path}.${key}`, before[key], after[key]));
  }
  return [`${path === '' ? 'all' : path}: ${show(before)} → ${show(after)}`];
}

function listChanges(path: string, before: readonly unknown[], after: readonly unknown[]): readonly string[] {
  if (![...before, ...after].every(isDocument)) return [`${path}: ${show(before)} → ${show(after)}`];
  const went = before.filter((member) => !after.some((other) => isSame(member, other)));
  const came = after.filter((member) => !before.some((other) => isSame(member, other)));
  const changed = after.flatMap((member) => {
    const old = before.find((other) => isSame(other, member));
    return old === undefined ? [] : changesAt(`${path}[${labelOf(member)}]`, old, member);
  });
  return [
    ...went.map((member) => `${path}: − ${show(member)}`),
    ...came.map((member) => `${path}: + ${show(member)}`),
    ...changed,
  ];
}

/** The same member of a list, perhaps changed. */
function isSame(a: unknown, b: unknown): boolean {
  if (isDocument(a) && isDocument(b) && a['id'] !== undefined) return a['id'] === b['id'];
  return isDeepStrictEqual(a, b);
}

function labelOf(member: unknown): string {
  if (!isDocument(member)) return '';
  return show(member['name'] ?? member['id']);
}

function isDocument(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Compact, with quotes only where a word has a space: `{kind: failover, term: 4}`. */
function show(value: unknown): string {
  if (value === undefined || value === null) return 'none';
  if (typeof value === 'string') return /^[\w.:/-]+$/.test(value) ? value : JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (!isDocument(value)) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{${fields.map(([key, field]) => `${key}: ${show(field)}`).join(', ')}}`;
}
