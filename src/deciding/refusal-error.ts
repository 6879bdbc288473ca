import type { Refused } from '../core/answer.ts';
import { BatonError } from '../lib/baton-error.ts';

/** What the core refuses, as an error to throw. */
export function refusalError({ code, message, hint }: Refused): BatonError {
  return new BatonError(code, message, { hint });
}
