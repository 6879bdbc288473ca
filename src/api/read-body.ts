import type { Context } from 'hono';
import type * as z from 'zod/mini';
import { BatonError } from '../lib/baton-error.ts';
import { describeIssue, formatPath } from '../lib/describe-issue.ts';

/** The checked body of a request. Throws BATON_USAGE naming each field that is wrong. */
export async function readBody<Schema extends z.ZodMiniType>(
  c: Context,
  schema: Schema,
): Promise<z.output<Schema>> {
  // A web page that somebody has open can send a form to any address, but not this type without being asked first.
  if (!/^application\/json\b/i.test(c.req.header('content-type') ?? '')) {
    throw new BatonError('BATON_USAGE', 'the body of the request must be of type application/json');
  }
  return checkBody(schema, parseJson(await c.req.text()));
}

/** Throws BATON_USAGE. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BatonError('BATON_USAGE', 'the body of the request is not JSON', { cause: error });
  }
}

/** Throws BATON_USAGE naming each field that is wrong. */
export function checkBody<Schema extends z.ZodMiniType>(schema: Schema, body: unknown): z.output<Schema> {
  return check(schema, body, 'the body');
}

/** The checked query string. Throws BATON_USAGE. */
export function readQuery<Schema extends z.ZodMiniType>(c: Context, schema: Schema): z.output<Schema> {
  return check(schema, c.req.query(), 'the query');
}

function check<Schema extends z.ZodMiniType>(schema: Schema, value: unknown, what: string): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [first, ...others] = parsed.error.issues.map(
    (issue) => `${formatPath(issue.path, what)} ${describeIssue(issue)}`,
  );
  throw new BatonError('BATON_USAGE', first ?? `${what} is not valid`, {
    detail: others.length === 0 ? undefined : `${others.join('; ')}.`,
  });
}
