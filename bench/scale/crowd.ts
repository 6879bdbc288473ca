/**
 * The keepers of many groups in one process, started and asked by `main.ts`
 * over IPC: they must not take their time from the one that measures.
 */
import { parseMonitorUri } from '../../src/config/monitor-uri.ts';
import { summarise } from '../statistics.ts';
import { formSimulatedGroup, type SimulatedGroup } from './simulated-group.ts';

/** What the parent asks for. */
export type CrowdRequest =
  | {
      readonly kind: 'form';
      readonly uri: string;
      readonly token: string;
      readonly groups: number;
      readonly heartbeatMs: number;
    }
  | { readonly kind: 'listen'; readonly ms: number }
  | { readonly kind: 'crash'; readonly groups: number };

export interface Answers {
  readonly perSecond: number;
  readonly medianMs: number;
  readonly worstOf100Ms: number;
  readonly maxMs: number;
}

export interface Crashes {
  readonly groups: number;
  readonly decidedMs: { readonly median: number; readonly max: number };
  readonly confirmedMs: { readonly median: number; readonly max: number };
}

export type CrowdAnswer =
  | { readonly kind: 'formed' }
  | ({ readonly kind: 'heard' } & Answers)
  | ({ readonly kind: 'crashed' } & Crashes);

const NAMES = ['a', 'b', 'c'];
/** How many groups are formed at a time, for each 500 ms of the heartbeat: each group takes some heartbeats. */
const FORMED_AT_ONCE = 20;
const HEARTBEAT_MS = 500;

const groups: SimulatedGroup[] = [];
let answers: number[] = [];

process.on('message', (request: CrowdRequest) => {
  void answer(request).then((told) => process.send?.(told));
});
process.on('disconnect', () => process.exit());

async function answer(request: CrowdRequest): Promise<CrowdAnswer> {
  switch (request.kind) {
    case 'form':
      await form(request);
      return { kind: 'formed' };
    case 'listen':
      return { kind: 'heard', ...(await listen(request.ms)) };
    case 'crash':
      return { kind: 'crashed', ...(await crash(request.groups)) };
  }
}

async function form({ uri, ...request }: Extract<CrowdRequest, { kind: 'form' }>): Promise<void> {
  const endpoint = parseMonitorUri(uri);
  const waiting = Array.from({ length: request.groups }, (_, index) => `f${index}`);
  const work = async (): Promise<void> => {
    for (let formation = waiting.shift(); formation !== undefined; formation = waiting.shift()) {
      const onAnswer = (ms: number): void => void answers.push(ms);
      groups.push(await formSimulatedGroup({ ...request, endpoint, formation, names: NAMES, onAnswer }));
    }
  };
  const atOnce = Math.ceil((FORMED_AT_ONCE * request.heartbeatMs) / HEARTBEAT_MS);
  await Promise.all(Array.from({ length: atOnce }, work));
}

async function listen(ms: number): Promise<Answers> {
  answers = [];
  await new Promise((resolve) => setTimeout(resolve, ms));
  const sorted = answers.toSorted((a, b) => a - b);
  const { median, max } = summarise(sorted);
  return {
    perSecond: Math.round(sorted.length / (ms / 1_000)),
    medianMs: median,
    worstOf100Ms: sorted[Math.floor(sorted.length * 0.99)] ?? max,
    maxMs: max,
  };
}

async function crash(count: number): Promise<Crashes> {
  const times = await Promise.all(groups.slice(0, count).map((group) => group.crash()));
  return {
    groups: count,
    decidedMs: summarise(times.map(({ decidedMs }) => decidedMs)),
    confirmedMs: summarise(times.map(({ confirmedMs }) => confirmedMs)),
  };
}
