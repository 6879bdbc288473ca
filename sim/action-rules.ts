import type { Action } from '../src/core/action.ts';
import { currentRule, findNode } from '../src/core/group-record.ts';
import { needsLease } from '../src/core/lease.ts';
import { votersOf } from '../src/core/quorum.ts';
import type { JournalEntry } from '../src/keeper/journal.ts';
import { hasVoters, type NodeState } from '../src/keeper/node-state.ts';
import type { World } from './world.ts';

/** What a keeper is about to do, with what it knows. */
interface Acting {
  readonly node: number;
  readonly action: Action;
  readonly state: NodeState;
  readonly journal: JournalEntry;
  readonly storeSilentMs: number;
}

/** What no step of a keeper may do, though other guards might make it harmless. */
export function checkAction(world: World, acting: Acting): void {
  const { node, action, journal } = acting;
  if (action.kind === 'initialise') {
    const other = [...world.servers.values()].find((server) => server.data !== null);
    if (other !== undefined)
      world.checkers.fail(
        'I12 an empty or half-made directory never becomes the primary',
        `n${node} makes a database, and n${other.node} has one`,
      );
  }
  if (action.kind === 'open') checkSlots(world, acting);
  const pledged = journal.pledge?.term ?? 0;
  const term = termOf(action);
  if (term !== null && term < pledged)
    world.checkers.fail(
      'I7 a promise is kept',
      `n${node} acts for term ${term} and has pledged ${pledged}: ${action.kind}`,
    );
  if (action.kind === 'hand_over' && action.term === pledged)
    world.checkers.fail('I27 steps never go round', `n${node} hands over term ${pledged} again`);
  if (action.kind === 'stop' && action.mode === 'immediate' && servesAsItShould(acting))
    world.checkers.fail(
      'I25 a primary that has its voters or hears the store goes on',
      `n${node} is stopped`,
    );
}

/** Before clients are let in every voter can attach and keep its place. */
function checkSlots(world: World, { node, state: { record } }: Acting): void {
  const rule = record === null ? undefined : currentRule(record);
  const slots = world.servers.get(node)?.data?.slots;
  if (rule === undefined || slots === undefined) return;
  const missing = votersOf(rule, node).filter(
    (voter) => !slots.has(voter) && record !== null && findNode(record, voter)?.dropping === 'no',
  );
  if (missing.length > 0)
    world.checkers.fail(
      'I31 every voter has a slot',
      `n${node} opens without one for n${missing.join(', n')}`,
    );
}

/** The term that a step receives for or reigns in; null: none. */
function termOf(action: Action): number | null {
  if ('settings' in action && action.settings.upstream !== null) return action.settings.upstream.term;
  if ('source' in action) return action.source.term;
  return 'term' in action ? action.term : null;
}

function servesAsItShould({ node, state, journal, storeSilentMs }: Acting): boolean {
  const { record, observation } = state;
  const reign = record?.reign;
  if (reign?.holder !== node || record?.intent !== null || observation.role !== 'primary') return false;
  // Where a lease ends other things count; that it was needed is checked where the lease is.
  if (needsLease(record)) return false;
  const isOwn = journal.servingTerm === reign.term && observation.position?.timeline === reign.timeline;
  return isOwn && (hasVoters(record, observation) || storeSilentMs < record.settings.detectionMs);
}
