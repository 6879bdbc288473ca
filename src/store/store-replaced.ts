import { BatonError, type ErrorOptions } from '../lib/baton-error.ts';

/**
 * Where the store was there is another one: it was wiped, or put back from a
 * backup. What is known of it is void, and whoever wants to go on has to open
 * it anew, and to find out what it has.
 */
export class StoreReplaced extends BatonError {
  constructor(message: string, options: ErrorOptions) {
    super('BATON_STORE_UNAVAILABLE', message, options);
  }
}
