import type { Context } from 'hono';
import { BatonError } from '../lib/baton-error.ts';
import type { GroupAddress } from './client.ts';

/** The group that a path names. Throws BATON_USAGE. */
export function addressOf(c: Context): GroupAddress {
  const formation = c.req.param('formation') ?? '';
  const text = c.req.param('group') ?? '';
  if (!/^\d{1,6}$/.test(text)) throw new BatonError('BATON_USAGE', `"${text}" is not a group number`);
  return { formation, group: Number(text) };
}
