import type { decide as realDecide, Decision, RuleName } from '../../src/core/decide.ts';
import type { Evidence, Report } from '../../src/core/evidence.ts';
import type { GroupRecord, NodeId } from '../../src/core/group-record.ts';
import type { Answer } from '../../src/core/requests.ts';
import { checkAdmission, checkSwap } from './invariants.ts';
import type { Interned } from './interner.ts';
import type { Keeper, Memory, Parts, Server, Stored } from './parts.ts';
import { INVERSE, NODES, RENAMINGS } from './permutations.ts';
import { withoutWords } from './renaming.ts';
import { canTalk, copyOf, keeperOf, serverOf, setKeeper, type State } from './state.ts';
import { evidenceOf, reportOf, sendersOf } from './views.ts';
import { breakRule } from './violation.ts';

export type Decide = typeof realDecide;

/** The monitor's part: the store, the memory of its process, and the real `decide`. */
export interface Decider {
  /** The rules of the policy that have spoken so far. */
  readonly spoken: ReadonlySet<RuleName>;
  /** All that the monitor decides in one go. More than one: by which of two equal nodes has the lower number. */
  settle(state: State): readonly State[];
  /** The report of a node comes in. */
  hear(state: State, node: NodeId): readonly State[];
  /** Whether a node could tell something that matters and was not told. */
  hasNews(state: State, node: NodeId): boolean;
  /** Somebody asks for something; none when it is refused. */
  request(state: State, ask: (record: GroupRecord, evidence: Evidence) => Answer): readonly State[];
}

interface Settled {
  readonly stored: Stored;
  readonly memory: Memory;
  readonly words: readonly string[];
}

const DECISIONS_MAX = 20;
const CRASH_FAILOVERS_MAX = 2;

export function createDecider(parts: Parts, decide: Decide): Decider {
  const known = new Map<string, readonly Settled[]>();
  const heard = new Map<Memory, Map<number, readonly Settled[]>>();
  const spoken = new Set<RuleName>();
  const held = new Map<number, Interned<Report>>();
  const made = NODES.map(() => new Map<Server, Map<Keeper, Map<string, Interned<Report>>>>());

  /** A report as far as it matters to this record. */
  function hold(report: Interned<Report>, record: Stored): Interned<Report> {
    const id = report.id * 1e6 + record.id;
    let projected = held.get(id);
    if (projected === undefined)
      held.set(id, (projected = parts.reports.intern(whatMatters(report.value, record.value))));
    return projected;
  }

  function holdAll(memory: Memory, record: Stored): Memory {
    const reports = memory.reports.map((report) => report && hold(report, record));
    return reports.every((report, i) => report === memory.reports[i]) ? memory : { ...memory, reports };
  }

  /** A report depends on the node alone and, on a primary, on its walsenders. */
  function reportNow(state: State, node: NodeId): Interned<Report> {
    const [server, keeper] = [serverOf(state, node), keeperOf(state, node)];
    const senders = server.up === 'primary' ? sendersOf(state, node) : [];
    const key = senders.map((each) => `${each.node}@${each.term}:${each.flushed.id}`).join();
    let ofServer = made[node - 1]!.get(server);
    if (ofServer === undefined) made[node - 1]!.set(server, (ofServer = new Map()));
    let ofKeeper = ofServer.get(keeper);
    if (ofKeeper === undefined) ofServer.set(keeper, (ofKeeper = new Map()));
    let report = ofKeeper.get(key);
    if (report === undefined) ofKeeper.set(key, (report = parts.reports.intern(reportOf(state, node))));
    return hold(report, state.stored);
  }

  function afterSwap(memory: Memory, before: GroupRecord, after: GroupRecord): Memory {
    const isNewStage = stageOf(before) !== stageOf(after);
    const isNewReign = before.reign?.term !== after.reign?.term;
    const isCrash = isNewReign && after.reign?.cause === 'crash';
    return {
      ...memory,
      intentAge: isNewStage ? 0 : memory.intentAge,
      // Before the new holder is seen to be the primary nobody could stream from it.
      ...(isNewReign ? { seenTerm: 0, notStreaming: NODES.map(() => 0 as const) } : {}),
      crashFailovers: Math.min(CRASH_FAILOVERS_MAX, memory.crashFailovers + (isCrash ? 1 : 0)),
    };
  }

  function decideOn(stored: Stored, memory: Memory): Settled {
    let record = stored.value;
    let present = memory;
    const words: string[] = [];
    for (;;) {
      const decision: Decision | undefined = decide(record, evidenceOf(record, present));
      if (decision === undefined) break;
      spoken.add(decision.rule);
      words.push(`${decision.rule} (${decision.because})`);
      if (words.length > DECISIONS_MAX) breakRule('I27 decisions come to an end', words.join('; '));
      checkSwap(record, decision.next, decision.rule);
      present = afterSwap(present, record, decision.next);
      record = withoutWords(decision.next);
    }
    const swapped = parts.records.intern(record);
    return { stored: swapped, memory: holdAll(present, swapped), words };
  }

  /**
   * `decide` breaks ties by the numbers of nodes. A state stands for all that
   * differ in these, so it goes on as each of them would.
   */
  function underAllNames(stored: Stored, memory: Memory): readonly Settled[] {
    const memoryId = parts.memories.intern(memory).id;
    const key = `${stored.id} ${memoryId}`;
    let settled = known.get(key);
    if (settled !== undefined) return settled;
    const different = new Map<string, Settled>();
    for (const [by] of RENAMINGS.entries()) {
      const namedRecord = parts.records.at(parts.records.imageOf(stored.id, by));
      const namedMemory = parts.memories.at(parts.memories.imageOf(memoryId, by)).value;
      const after = decideOn(namedRecord, namedMemory);
      const back = INVERSE[by]!;
      const record = parts.records.imageOf(after.stored.id, back);
      const remembered = parts.memories.imageOf(parts.memories.intern(after.memory).id, back);
      const outcome = {
        stored: parts.records.at(record),
        memory: parts.memories.at(remembered).value,
        words: after.words,
      };
      const id = `${record} ${remembered}`;
      if (!different.has(id)) different.set(id, outcome);
    }
    known.set(key, (settled = [...different.values()]));
    return settled;
  }

  /** Only the mark that the reign's first commit is acknowledged has come to the record. */
  function isConfirmation(before: GroupRecord, { id }: Stored): boolean {
    const { reign } = before;
    return (
      reign?.confirmed === false &&
      parts.records.intern({ ...before, reign: { ...reign, confirmed: true } }).id === id
    );
  }

  function settle(state: State): readonly State[] {
    return after(state, underAllNames(state.stored, state.memory));
  }

  function after(state: State, outcomes: readonly Settled[]): readonly State[] {
    const before = state.stored.value;
    return outcomes.map(({ stored, memory, words }) => {
      const next = { ...copyOf(state), stored, memory, words: [...state.words, ...words] };
      checkAdmission(next, before);
      if (isConfirmation(before, stored)) tellConfirmation(next, state.stored);
      return next;
    });
  }

  /** What a report leads to depends on nothing but it, the record and the memory. */
  function afterReport(
    { memory, stored }: State,
    node: NodeId,
    report: Interned<Report>,
  ): readonly Settled[] {
    let ofMemory = heard.get(memory);
    if (ofMemory === undefined) heard.set(memory, (ofMemory = new Map()));
    const key = report.id * 1e6 + stored.id;
    let outcomes = ofMemory.get(key);
    if (outcomes !== undefined) return outcomes;
    const fuller = { ...memory, reports: memory.reports.with(node - 1, report) };
    outcomes = underAllNames(stored, noteStreaming(fuller, stored.value, node));
    ofMemory.set(key, outcomes);
    return outcomes;
  }

  return {
    spoken,
    settle,
    hasNews(state, node) {
      const report = state.memory.reports[node - 1];
      return report == null || report !== reportNow(state, node);
    },
    hear: (state, node) => after(state, afterReport(state, node, reportNow(state, node))),
    request(state, ask) {
      const record = state.stored.value;
      const answer = ask(record, evidenceOf(record, state.memory));
      if (answer.kind === 'refused' || answer.next === record) return [];
      checkSwap(record, answer.next, 'a request');
      const stored = parts.records.intern(withoutWords(answer.next));
      const memory = afterSwap(state.memory, record, stored.value);
      return settle({ ...copyOf(state), stored, memory, words: [answer.because] });
    },
  };
}

/**
 * What a decision about this record may read in a report. Of a node that does
 * not hold the baton nobody asks whether it was promoted or serves, and a
 * promise to a term that has been reached says nothing any more.
 */
function whatMatters(report: Report, { reign }: GroupRecord): Report {
  const { postgres, pledge } = report;
  const { upstream } = postgres;
  const isHolder = report.node === reign?.holder;
  return {
    ...report,
    pledge: pledge !== null && pledge.term > (reign?.term ?? 0) ? pledge : null,
    ...(isHolder ? {} : { promotedTerm: null, restartsUsed: 0, servingTerm: null, confirmedRule: null }),
    postgres: {
      ...postgres,
      upstream: upstream && { ...upstream, host: 'h0' },
      followers: isHolder ? postgres.followers.filter(({ term }) => term === reign.term) : [],
    },
  };
}

function stageOf({ intent }: GroupRecord): string {
  return intent === null ? '' : `${intent.term} ${intent.stage}`;
}

/** A keeper does nothing else for it: whoever had the record before has this one, too. */
function tellConfirmation(state: State, before: Stored): void {
  for (const node of NODES) {
    const { isAlive, record } = keeperOf(state, node);
    if (isAlive && record === before && canTalk(state, 0, node))
      setKeeper(state, node, { record: state.stored });
  }
}

/** As the evidence book of src/monitor does. */
export function noteStreaming(memory: Memory, record: GroupRecord, node: NodeId): Memory {
  const report = memory.reports[node - 1]?.value;
  const term = record.reign?.term;
  if (report === undefined || term === undefined || node !== record.reign?.holder) return memory;
  if (report.promotedTerm !== term || report.postgres.role !== 'primary') return memory;
  const isNew = memory.seenTerm !== term;
  const streams = (standby: NodeId): boolean =>
    report.postgres.followers.some((each) => each.node === standby && each.term === term);
  return {
    ...memory,
    seenTerm: term,
    notStreaming: NODES.map((standby) => (isNew || streams(standby) ? 0 : memory.notStreaming[standby - 1]!)),
  };
}
