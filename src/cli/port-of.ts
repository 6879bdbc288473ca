import { readEnvironment } from '../config/environment.ts';
import type { CliContext } from './cli-context.ts';

/** --pgport, or PGPORT; undefined when neither is given. Throws BATON_USAGE for a PGPORT that is no port. */
export function portOf(
  context: Pick<CliContext, 'env'>,
  options: { readonly pgport?: number },
): number | undefined {
  return options.pgport ?? readEnvironment(context.env).port;
}
