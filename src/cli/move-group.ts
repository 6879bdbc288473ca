import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GroupAddress, MonitorClient } from '../api/client.ts';
import type { GroupBody } from '../api/schemas.ts';
import { kindOfHome } from '../config/node-home.ts';
import type { GroupRecord } from '../core/group-record.ts';
import { hasMoved, readinessOf, type NodeReadiness } from '../core/move-record.ts';
import { BatonError, toBatonError } from '../lib/baton-error.ts';
import type { CliContext } from './cli-context.ts';
import { journalledHere, parseEndpoint, type Connection } from './connect-monitor.ts';
import { formatDuration, listNames } from './format-quantity.ts';
import { isSilent } from './render-state.ts';
import type { Ui } from './ui.ts';

export interface Moving {
  /** To the home that the group has now. */
  readonly connection: Connection;
  readonly address: GroupAddress;
  readonly to: string;
  /** For the nodes to try the new home, and again for them to follow, ms. */
  readonly waitMs: number;
}

/** Places between two steps at which a test kills this command. */
export const MOVER_CRASH_POINTS = ['move: announced', 'move: confirmed', 'move: moved'] as const;

const ASK_EVERY_MS = 100;
/** What a node says of the new home is not older than this, ms: what it says after that is how it is now. */
const TRIED_ANEW_MS = 3_000;

/**
 * Moves a group step by step and says so. It can be killed between any two of
 * them: as long as nothing has moved, the same command goes on or undoes it;
 * after that the keepers do the rest without it. Throws what stands in the
 * way, and has undone the move then.
 */
export async function moveGroup(context: CliContext, ui: Ui, moving: Moving): Promise<void> {
  const { connection, address, to } = moving;
  const { client } = connection;
  const beganMs = context.clock.monotonicMs();
  const steps: { readonly after_ms: number; readonly what: string }[] = [];
  const say = (what: string): void => {
    const afterMs = context.clock.monotonicMs() - beganMs;
    steps.push({ after_ms: Math.round(afterMs), what });
    if (!ui.json) ui.print(`${formatDuration(afterMs).padStart(8)}  ${what}\n`);
  };
  const request = { to, requested_by: context.operator };

  let { record } = await client.getGroup(address);
  if (!hasMoved(record)) {
    const announced = await client.moveGroup(address, { ...request, step: 'announce' });
    context.services.passCrashPoint('move: announced');
    say(`${announced.because}: every node tries it`);
    try {
      await everybodyReady(context, moving, say);
      context.services.passCrashPoint('move: confirmed');
      record = await finish(client, address, request);
    } catch (error) {
      throw await undone(client, address, request, error);
    }
    context.services.passCrashPoint('move: moved');
  }
  if (record.move?.to !== to)
    throw new BatonError('BATON_REFUSED', `the group has moved to ${record.move?.to}`, {
      hint: 'Ask there.',
    });
  say('the record here is closed: from now on the new home is the truth');
  const { record: arrived } = await everybodyThere(context, moving, record, say);
  if (ui.json) ui.printJson({ to, incarnation: arrived.home.incarnations.at(-1), steps });
  else ui.note(`The group has moved to ${to}. No server was stopped. The old home may be shut down.`);
}

/** Until all nodes have said that they can use the new home. Throws for the first that can't, and when the time is up. */
async function everybodyReady(
  { clock }: CliContext,
  { connection, address, waitMs }: Moving,
  say: (what: string) => void,
): Promise<void> {
  const beganMs = clock.monotonicMs();
  const said = new Set<string>();
  for (;;) {
    const { record, evidence } = await connection.client.getEvidence(address);
    const nodes = readinessOf(record, evidence);
    for (const { name, missing } of nodes) {
      if (missing !== null || said.has(name)) continue;
      said.add(name);
      say(`"${name}" can read and write there`);
    }
    const waiting = nodes.filter(({ missing }) => missing !== null);
    if (waiting.length === 0) return;
    const tookMs = clock.monotonicMs() - beganMs;
    const failed = waiting.find(({ hasFailed }) => hasFailed && tookMs > TRIED_ANEW_MS);
    const late = tookMs > waitMs ? waiting[0] : undefined;
    const blocking = failed ?? late;
    if (blocking !== undefined) throw cannotGo(blocking);
    await sleep(ASK_EVERY_MS);
  }
}

function cannotGo({ name, missing }: NodeReadiness): BatonError {
  return new BatonError('BATON_REFUSED', `"${name}" can't go along`, {
    detail: `${missing}.`,
    hint: 'Nothing was changed. Every node has to be able to use the new home.',
  });
}

/** The one step that can't be taken back. Its answer may be lost, as the keepers that give it leave at once. */
async function finish(
  client: MonitorClient,
  address: GroupAddress,
  request: { readonly to: string; readonly requested_by: string },
): Promise<GroupRecord> {
  let failure: unknown;
  try {
    await client.moveGroup(address, { ...request, step: 'finish' });
  } catch (error) {
    failure = error;
  }
  const { record } = await client.getGroup(address);
  if (hasMoved(record)) return record;
  throw failure ?? new BatonError('BATON_INTERNAL', 'the record was not closed');
}

/** The error to end with, once the announcement is taken back. */
async function undone(
  client: MonitorClient,
  address: GroupAddress,
  request: { readonly to: string; readonly requested_by: string },
  thrown: unknown,
): Promise<BatonError> {
  const { code, message, detail, hint } = toBatonError(thrown);
  try {
    await client.moveGroup(address, { ...request, step: 'undo' });
    return new BatonError(code, message, { detail, hint, cause: thrown });
  } catch (error) {
    const kept = `The move could not be taken back (${toBatonError(error).message}): run this again, or with --undo.`;
    return new BatonError(code, message, { detail: [detail, kept].filter(Boolean).join(' '), hint });
  }
}

/** Until all nodes are heard in the new home. */
async function everybodyThere(
  context: CliContext,
  { connection, address, to, waitMs }: Moving,
  { move }: GroupRecord,
  say: (what: string) => void,
): Promise<GroupBody> {
  const endsAtMs = context.clock.monotonicMs() + waitMs;
  const said = new Set<string>();
  let client: MonitorClient | undefined;
  let isThere = false;
  let missing = 'no keeper has put the record there yet';

  async function look(): Promise<GroupBody | undefined> {
    const asked = (client ??= await connectTo(context, connection, to));
    const group = await asked.getGroup(address);
    if (!group.record.home.incarnations.includes(move?.incarnation ?? '')) return undefined;
    if (!isThere) say(`the record is in ${to}`);
    isThere = true;
    for (const node of group.nodes) {
      if (said.has(node.name) || isSilent(node)) continue;
      said.add(node.name);
      say(`"${node.name}" is heard there`);
    }
    const others = group.nodes.filter(({ name }) => !said.has(name)).map(({ name }) => name);
    missing = `${listNames(others)} ${others.length === 1 ? 'is' : 'are'} not heard there yet`;
    return others.length === 0 ? group : undefined;
  }

  try {
    while (context.clock.monotonicMs() < endsAtMs) {
      try {
        const group = await look();
        if (group !== undefined) return group;
      } catch (error) {
        missing = toBatonError(error).message;
        // What a store has is read when it is opened.
        client?.close();
        client = undefined;
      }
      await sleep(ASK_EVERY_MS);
    }
  } finally {
    client?.close();
  }
  throw new BatonError('BATON_GROUP_BUSY', `the group has moved, and ${missing}`, {
    hint: 'Nodes follow by themselves as soon as their keepers run: look there with "pgbaton show state".',
  });
}

/** Those who decide in the new home, by the token that goes with the group. */
async function connectTo(
  context: CliContext,
  { token, local }: Connection,
  to: string,
): Promise<MonitorClient> {
  const { readTokenFile } = await import('../config/environment.ts');
  const ownFile = local?.files.tokenFile;
  const used = token ?? (ownFile !== undefined && existsSync(ownFile) ? readTokenFile(ownFile) : undefined);
  if (kindOfHome(to) === 'monitor') return context.createClient(await parseEndpoint(context, to), used);
  if (used !== undefined)
    return context.services.connectStore(to, used, () => journalledHere(context, local));
  throw new BatonError(
    'BATON_UNAUTHORIZED',
    'without the token of the formation the new home can not be asked',
    {
      hint: 'Run the command on a node, with --pgdata.',
    },
  );
}
