import type { GroupBody } from '../api/schemas.ts';
import { BatonError } from '../lib/baton-error.ts';
import type { CliContext } from './cli-context.ts';
import { listNames } from './format-quantity.ts';
import { isSilent } from './render-state.ts';

/**
 * Lets a person say that commits may be lost. Throws BATON_UNSAFE when nobody
 * can be asked, or the answer is another one.
 */
export async function confirmDataLoss(
  context: Pick<CliContext, 'ask' | 'stderr'>,
  agreed: boolean,
  { nodes }: Pick<GroupBody, 'nodes'>,
): Promise<void> {
  const silent = nodes.filter(isSilent).map((node) => node.name);
  const lost =
    silent.length === 0
      ? 'Commits that the new primary does not have will be lost.'
      : `Commits that only ${listNames(silent)} ${silent.length === 1 ? 'has' : 'have'} will be lost, although they were acknowledged.`;
  await confirmLoss(context, agreed, lost);
}

/** The same for a loss that is told in a sentence. */
export async function confirmLoss(
  context: Pick<CliContext, 'ask' | 'stderr'>,
  agreed: boolean,
  lost: string,
): Promise<void> {
  if (agreed) return;
  const answer = await context.ask(`${lost} Type "lose data" to go on: `);
  if (answer === 'lose data') return;
  throw new BatonError('BATON_UNSAFE', 'nothing was done, because the loss of data was not confirmed', {
    detail: lost,
    hint:
      answer === undefined
        ? 'There is no terminal to ask at: add --yes if this is what you want.'
        : undefined,
  });
}
