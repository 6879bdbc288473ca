import { BatonError } from './baton-error.ts';

/** Stops the program when its own logic is broken; stays on in production. */
export function assert(condition: unknown, why: string): asserts condition {
  if (!condition) throw new BatonError('BATON_INTERNAL', `assertion failed: ${why}`);
}
