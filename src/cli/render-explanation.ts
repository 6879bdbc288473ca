import type { BatonHolding, ExplainedMilestone, Explanation, ExplainedStep } from './explain-situation.ts';
import { formatClock, formatDuration, formatTimestamp } from './format-quantity.ts';

/** `why` for people. `now` is the wall clock, only to say how long ago something was. */
export function renderExplanation(explanation: Explanation, now: Date): string {
  const { formation, group, steps } = explanation;
  const sections = [
    [`Formation "${formation}", group ${group}`],
    renderBaton(explanation, now),
    steps.length === 0 ? [] : ['How it came to that', ...steps.flatMap(renderStep)],
    renderTimeline(explanation),
    renderNodes(explanation),
    renderBlocked(explanation),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function renderBaton({ baton, under_way: underWay, durability }: Explanation, now: Date): readonly string[] {
  if (baton === null) return ['Nobody holds the baton: the group has no node yet.'];
  const since =
    baton.since === null ? 'for longer than the history goes back' : describeSince(baton.since, now);
  const clients = baton.serves_clients
    ? 'It serves clients.'
    : 'It does not serve clients yet: its first commit is not acknowledged.';
  return [
    `"${baton.holder}" holds the baton of term ${baton.term} ${since}.`,
    `It got it because: ${baton.because} (${baton.cause}).`,
    clients,
    ...describeLoss(baton),
    ...(durability === null ? [] : [`${capitalize(durability)}.`]),
    ...(underWay === null ? [] : [`Under way: ${underWay}.`]),
  ];
}

function describeLoss({ may_lack_bytes: bytes }: BatonHolding): readonly string[] {
  if (bytes === undefined) return [];
  const known =
    bytes === null
      ? 'How much WAL of the primary before it is missing, nobody knows'
      : `It began without the primary before it: ${bytes} bytes of the WAL that was last known of that one are missing`;
  return [`${known}, and what was committed there after that is lost.`];
}

function describeSince(iso: string, now: Date): string {
  const at = new Date(iso);
  return `since ${formatTimestamp(at)}, ${formatDuration(Math.max(0, now.getTime() - at.getTime()))} ago`;
}

function renderStep({ at, rule, because, inputs }: ExplainedStep): readonly string[] {
  return [`  ${formatClock(new Date(at))}  ${rule}: ${because}`, ...inputs.map((input) => `      ${input}`)];
}

const MILESTONES: Readonly<Record<ExplainedMilestone['step'], (node: string) => string>> = {
  last_well: (node) => `"${node}" was last heard of as a primary that runs`,
  down: (node) => `"${node}" was known to be down`,
  decided: () => 'the change was decided',
  pledged: (node) => `"${node}" has pledged the term`,
  elected: (node) => `"${node}" was elected`,
  promoted: (node) => `"${node}" was promoted`,
  opened: (node) => `the first commit was acknowledged, "${node}" lets clients write`,
  confirmed: () => 'the change was complete',
};

function renderTimeline({ timeline }: Explanation): readonly string[] {
  if (timeline.length === 0) return [];
  const lines = timeline.map(({ step, node, after_ms: afterMs }) => {
    const seconds = `${afterMs > 0 ? '+' : ''}${(afterMs / 1_000).toFixed(3)} s`;
    return `  ${seconds.padStart(10)}  ${MILESTONES[step](node)}`;
  });
  return ['How long it took, as the decider saw it', ...lines];
}

function renderNodes({ nodes }: Explanation): readonly string[] {
  if (nodes.length === 0) return [];
  const width = Math.max(...nodes.map(({ name }) => name.length));
  const lines = nodes.map(({ name, is_primary: isPrimary, obstacles }) => {
    const verdict = isPrimary ? 'is the primary' : obstacles.length === 0 ? 'nothing' : obstacles.join('; ');
    return `  ${name.padEnd(width)}  ${verdict}`;
  });
  return ['What would stop each node from being promoted now', ...lines];
}

function renderBlocked({ blocked }: Explanation): readonly string[] {
  if (blocked.length === 0) return ['Nothing is blocked: the group could lose its primary now and go on.'];
  return ['What is blocked', ...blocked.map((sentence) => `  ${capitalize(sentence)}.`)];
}

function capitalize(sentence: string): string {
  return sentence.slice(0, 1).toUpperCase() + sentence.slice(1);
}
