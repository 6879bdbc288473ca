import { BatonError } from '../lib/baton-error.ts';
import type { Row } from './sql-session.ts';

/** Reads a column that must be there; throws BATON_INTERNAL when the query does not give it in this type. */
export function textOf(row: Row | undefined, column: string): string {
  const value = optionalText(row, column);
  if (value === null) throw unexpected(column, value);
  return value;
}

export function optionalText(row: Row | undefined, column: string): string | null {
  const value = row?.[column] ?? null;
  if (value === null || typeof value === 'string') return value;
  throw unexpected(column, value);
}

/** Small integers only; int8 arrives as text. */
export function numberOf(row: Row | undefined, column: string): number {
  const value = optionalNumber(row, column);
  if (value === null) throw unexpected(column, value);
  return value;
}

export function optionalNumber(row: Row | undefined, column: string): number | null {
  const value = row?.[column] ?? null;
  if (value === null || typeof value === 'number') return value;
  if (typeof value === 'string' && /^-?\d{1,15}$/.test(value)) return Number(value);
  throw unexpected(column, value);
}

export function booleanOf(row: Row | undefined, column: string): boolean {
  const value = row?.[column];
  if (typeof value !== 'boolean') throw unexpected(column, value);
  return value;
}

function unexpected(column: string, value: unknown): BatonError {
  return new BatonError(
    'BATON_INTERNAL',
    `column "${column}" has an unexpected value of type ${typeof value}`,
  );
}
