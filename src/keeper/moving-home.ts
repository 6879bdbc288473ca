import { existsSync } from 'node:fs';
import { readConfig, setConfigKeys } from '../config/config-file.ts';
import { NODE_CONFIG, type NodeConfig } from '../config/node-config.ts';
import { homeOf, kindOfHome } from '../config/node-home.ts';
import type { NodeFiles } from '../config/paths.ts';
import type { Readiness } from '../core/evidence.ts';
import type { GroupRecord, Move } from '../core/group-record.ts';
import { BatonError } from '../lib/baton-error.ts';
import { createLineState } from '../lib/line-state.ts';
import { monotonicNow } from '../system/clock.ts';
import { createAlarm } from './alarm.ts';
import type { PassCrashPoint } from './crash-point.ts';
import type { GroupLink, GroupLinkOptions } from './group-link.ts';
import { openHome, type HomeOptions, type OpenHome } from './home.ts';
import { findGroup, isProven, putGroup, tryHome } from './new-home.ts';

export interface MovingHomeOptions extends HomeOptions {
  readonly passCrashPoint: PassCrashPoint;
}

/** The home of a node's group, wherever it goes while the keeper runs. */
export interface MovingHome extends OpenHome {
  /** Whether this node can use the home that is announced; undefined: none is. */
  readonly readiness: () => Readiness | undefined;
}

/** How often an announced home is tried: what a node says of it must not be old. */
const TRY_EVERY_MS = 2_000;
/** How soon the record that ends the old home is looked for on the own disk, and a step that failed tried again. */
const STEP_MS = 50;
const RETRY_MS = 500;
/** A home that says nothing for so long after it has announced a move may be gone, and the group with it. */
const LOST_MS = 5_000;

/**
 * Opens the home that the configuration names; or, where the record on disk is
 * the last of that home, the one that it has moved to. Throws what `openHome` does.
 */
export async function openMovingHome(options: MovingHomeOptions): Promise<MovingHome> {
  const { journal, files, log, passCrashPoint } = options;
  const alarm = createAlarm();
  const state = createLineState({
    nowMs: monotonicNow,
    onLine: (error) => {
      if (error === undefined) log.info('the new home is heard');
      else log.warn({ detail: error.detail, hint: error.hint }, `the new home: ${error.message}`);
    },
  });
  let { config } = options;
  let home: OpenHome | undefined;
  let link: GroupLink | undefined;
  let deliver: GroupLinkOptions['onRecord'] = () => undefined;
  let announced: Move | undefined;
  let readiness: Readiness | undefined;
  let hasHeard = false;
  let isClosing = false;
  let following: Promise<void> | undefined;
  /** The incarnation of the home that this process has moved into. */
  let entered: string | undefined;
  /** The old home is being closed. */
  let left: Promise<void> | undefined;
  let sinceMs = monotonicNow();

  /** From then on the configuration counts, whatever it names. */
  const hasFollowed = ({ incarnation }: Move): boolean => journal.durable.followed === incarnation;
  const onDisk = (): GroupRecord | null => journal.durable.record;

  function onRecord(version: number, record: GroupRecord): void {
    deliver(version, record);
    announced = record.move;
    if (announced === undefined) readiness = undefined;
    else following ??= follow();
    alarm.ring();
  }

  /** As long as a move is under way. */
  async function follow(): Promise<void> {
    while (!isClosing && (announced ?? onDisk()?.move) !== undefined) {
      let pauseMs = RETRY_MS;
      try {
        pauseMs = await step();
        state.heard();
      } catch (error) {
        state.lost(error);
      }
      await alarm.wait(pauseMs);
    }
    following = undefined;
    readiness = undefined;
  }

  /** Returns after how many ms the next one is due. */
  async function step(): Promise<number> {
    const record = onDisk();
    const move = record?.move;
    if (record == null || move === undefined) return STEP_MS;
    if (!hasFollowed(move) && !isProven(options, config, record, move)) throw unproven(move);
    if (move.stage === 'moved') {
      await enter(move, record);
      return RETRY_MS;
    }
    readiness = await tryHome(options, config, record, move);
    if (announced?.stage === 'moved') return STEP_MS;
    if ((link?.silentMs() ?? Infinity) > LOST_MS && (await findGroup(options, config, record, move)))
      await enter(move, null);
    return TRY_EVERY_MS;
  }

  /** Each step can be done again. `last`: the record that ended the old home; null: it is in the new one already. */
  async function enter(move: Move, last: GroupRecord | null): Promise<void> {
    const { to, incarnation } = move;
    if (entered === incarnation) return;
    passCrashPoint('inside move: last record of the old home written down, configuration not written');
    if (!hasFollowed(move)) {
      config = rewrite(config, files, to);
      await journal.write({ followed: incarnation });
      log.info({ to }, `the group has moved to ${to}, and this node follows`);
    }
    passCrashPoint('inside move: configuration written, not arrived');
    // A person may have named another home since, where a lost one is recovered.
    if (last !== null && homeOf(config).uri === to) await putGroup(options, config, last);
    passCrashPoint('inside move: arrived, not connected');
    left ??= leave();
    // Only one of two that listen can have the port; else what is still on its way to the old home need not be waited for.
    if (kindOfHome(to) === 'store') await left;
    connectTo(await openHome({ ...options, config }));
    entered = incarnation;
    await left;
    left = undefined;
  }

  async function leave(): Promise<void> {
    const [oldLink, oldHome] = [link, home];
    hasHeard ||= oldLink?.hasHeard() ?? false;
    sinceMs = monotonicNow() - (oldLink?.silentMs() ?? 0);
    [link, home, readiness] = [undefined, undefined, undefined];
    try {
      await oldLink?.close();
      await oldHome?.close();
    } catch (error) {
      log.warn({ err: error }, 'the old home was not closed cleanly');
    }
  }

  function connectTo(opened: OpenHome): void {
    home = opened;
    link = opened.connect((version, record) => {
      // What the old one still says is over.
      if (home === opened) onRecord(version, record);
    });
  }

  if (onDisk()?.move?.stage !== 'moved') home = await openHome(options);

  return {
    connect(onRecordOfKeeper) {
      deliver = onRecordOfKeeper;
      if (home !== undefined) connectTo(home);
      if (onDisk()?.move !== undefined) following ??= follow();
      return {
        send: (report) => link?.send(report),
        silentMs: () => link?.silentMs() ?? monotonicNow() - sinceMs,
        leasedUntilMs: (term) => link?.leasedUntilMs(term) ?? -Infinity,
        hasHeard: () => hasHeard || (link?.hasHeard() ?? false),
        async close() {
          isClosing = true;
          alarm.ring();
          await following;
          await link?.close();
        },
      };
    },
    readiness: () => readiness,
    close: async () => home?.close(),
  };
}

function unproven({ to }: Move): BatonError {
  return new BatonError(
    'BATON_UNAUTHORIZED',
    `the move to ${to} was asked for by somebody without the token`,
    {
      hint: 'Who can write to the store? "pgbaton store move --undo" takes it back.',
    },
  );
}

/** All keys change at once: a file that names two homes, or none, would let no keeper start. */
function rewrite(config: NodeConfig, { configFile, tokenFile }: NodeFiles, to: string): NodeConfig {
  const before = homeOf(config);
  const kind = kindOfHome(to);
  const other = kind === 'store' ? 'monitor' : 'store';
  const text = (value: string | null): string => JSON.stringify(value);
  setConfigKeys(NODE_CONFIG, configFile, [
    { key: `${other}.uri`, text: 'null' },
    { key: `${other}.token_file`, text: 'null' },
    { key: `${kind}.uri`, text: text(to) },
    { key: `${kind}.token_file`, text: text(before.tokenFile ?? (existsSync(tokenFile) ? tokenFile : null)) },
  ]);
  return readConfig(NODE_CONFIG, configFile);
}
