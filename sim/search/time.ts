import type { NodeId } from '../../src/core/group-record.ts';
import { isWaiting } from './acting.ts';
import { noteStreaming } from './deciding.ts';
import { withoutHalfOpen } from './faults.ts';
import type { Age, Memory } from './parts.ts';
import { NODES } from './permutations.ts';
import { canTalk, copyOf, keeperOf, serverOf, setKeeper, type State } from './state.ts';
import { closeReceiver } from './streaming.ts';
import { hasVoters } from './views.ts';

/** Time passes: what is dead or cut off has been silent for long by now. Nobody decides here yet. */
export function later(state: State, age: Age): State {
  const next = copyOf(state);
  for (const node of NODES) {
    const { receiver } = serverOf(next, node);
    if (receiver !== null && !canTalk(next, node, receiver.node)) closeReceiver(next, node);
  }
  withoutHalfOpen(next, () => true);
  next.memory = laterMemory(next, age);
  for (const node of NODES) ageKeeper(next, node);
  return next;
}

function isHeard(state: State, node: NodeId): boolean {
  return keeperOf(state, node).isAlive && canTalk(state, 0, node);
}

function laterMemory(state: State, age: Age): Memory {
  const { memory } = state;
  const record = state.stored.value;
  const older = (present: Age): Age => (present > age ? present : age);
  const aged: Memory = {
    ...memory,
    // What a node said before it fell silent counts no more.
    reports: NODES.map((node) => (isHeard(state, node) ? memory.reports[node - 1]! : null)),
    notStreaming:
      memory.seenTerm === record.reign?.term
        ? NODES.map((node) => (node === record.reign?.holder ? 0 : older(memory.notStreaming[node - 1]!)))
        : memory.notStreaming,
    intentAge: record.intent === null ? 0 : older(memory.intentAge),
    crashFailovers: age === 2 ? 0 : memory.crashFailovers,
    isSettledIn: true,
  };
  // Whoever still reports has reported meanwhile.
  const holder = record.reign?.holder;
  return holder !== undefined && aged.reports[holder - 1] !== null
    ? noteStreaming(aged, record, holder)
    : aged;
}

function ageKeeper(state: State, node: NodeId): void {
  const keeper = keeperOf(state, node);
  if (!keeper.isAlive) return;
  const { intent, reign } = keeper.record.value;
  const isIntentOld = intent !== null && intent.cleanEnd !== null;
  // Only the holder, and who waits for its first record, asks how long.
  const isStoreSilent = !canTalk(state, 0, node) && (reign?.holder === node || !keeper.hasHeard);
  const isQuorumSilent = serverOf(state, node).up === 'primary' && !hasVoters(state, node);
  if (
    isIntentOld !== keeper.isIntentOld ||
    isStoreSilent !== keeper.isStoreSilent ||
    isQuorumSilent !== keeper.isQuorumSilent
  )
    setKeeper(state, node, { isIntentOld, isStoreSilent, isQuorumSilent });
  // What an action waits for has not come in time.
  if (isWaiting(state, node)) setKeeper(state, node, { doing: null });
}
