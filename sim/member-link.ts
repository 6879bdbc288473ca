import type { Report } from '../src/core/evidence.ts';
import type { GroupRecord, NodeId } from '../src/core/group-record.ts';
import { STORE_PATIENCE_MS } from '../src/core/be-primary.ts';
import { turnOf } from '../src/deciding/turn.ts';
import type { ConnectedKeeper } from './home.ts';
import type { KeeperLink } from './keeper-link.ts';
import { createMemberLease } from './member-lease.ts';
import { createRecordInbox } from './record-inbox.ts';
import { openRemoteStore, type StoreEnd } from './remote-store.ts';
import { openReportLine, type ReportLine, type TakenReport } from './report-line.ts';
import { createVirtualDecider, type VirtualDecider } from './virtual-decider.ts';
import { openWatchLine, type WatchLine } from './watch-line.ts';
import type { Deliver } from './watchers.ts';
import type { World } from './world.ts';

/** A keeper that decides together with the others of its group. */
export interface Member extends ConnectedKeeper {
  readonly decider: VirtualDecider;
  /** A report of itself or of another member. */
  takeReport(report: Report, journalled: GroupRecord | null): TakenReport;
}

/** What a member needs of the home that it shares with the others. */
export interface MemberHome extends StoreEnd {
  /** undefined: it can't be reached now. */
  subscribe(node: NodeId, deliver: Deliver): (() => void) | undefined;
  /** A member that has opened; undefined: it has not yet. */
  member(node: NodeId): Member | undefined;
  open(member: Member): void;
}

/** As in src/deciding/record-follower.ts. */
const LOOK_EVERY_MS = STORE_PATIENCE_MS / 2;

/** src/keeper/group-member.ts, src/keeper/peer-lines.ts and src/deciding/record-follower.ts over virtual time. */
export function openMemberLink(world: World, keeper: ConnectedKeeper, home: MemberHome): KeeperLink {
  const { node, process, journalled } = keeper;
  const { life } = process;
  let heardAtMs = process.timeMs();
  let hasHeard = false;
  let watch: WatchLine | undefined;
  const peers = new Map<NodeId, ReportLine>();
  const inbox = createRecordInbox(
    node,
    () => process.timeMs(),
    () => link.onRecord(),
  );
  const port = openRemoteStore(world, keeper, home);
  const decider = createVirtualDecider({
    world,
    process,
    store: home.store,
    port,
    name: `n${node}`,
    turn: turnOf(node),
    own: node,
    onOpen() {
      home.open(member);
      learned();
      watch = openWatch();
      look();
    },
    onLearn: learned,
  });
  const lease = createMemberLease(process, decider, port);
  const member: Member = {
    ...keeper,
    decider,
    takeReport(report, journal) {
      decider.takeReport(report, journal);
      return { ...decider.known(), isRefused: isRefused(), leaseMs: undefined };
    },
  };

  const isRefused = (): boolean => decider.contradiction() !== undefined;

  function learned(): void {
    const stored = decider.known();
    // Who the peers are is not for a store to say that has lost them.
    if (!isRefused()) follow(stored.record);
    inbox.put(stored);
  }

  function follow({ nodes }: GroupRecord): void {
    for (const peer of peers.keys()) if (!nodes.some(({ id }) => id === peer)) peers.delete(peer);
    for (const { id } of nodes) if (id !== node && !peers.has(id)) peers.set(id, openPeerLine(id));
  }

  function openPeerLine(to: NodeId): ReportLine {
    return openReportLine(world, {
      from: node,
      to,
      process,
      deliver(report, answer) {
        const peer = home.member(to);
        peer?.process.now(() => answer(peer.takeReport(report, journalled()?.record ?? null)));
      },
      onAnswer(report, { record, version, isRefused: isOver }) {
        if (process.life === life && !isOver && version !== report.recordVersion)
          decider.learn({ record, version });
      },
    });
  }

  function heard(): void {
    hasHeard = true;
    if (!isRefused()) heardAtMs = process.timeMs();
  }

  /** For what a watch has swallowed, and whether the store is there. */
  function look(): void {
    port.look((answer) => {
      if (!('kind' in answer)) {
        decider.observe(answer);
        heard();
      }
      process.after(LOOK_EVERY_MS, look);
    });
  }

  const openWatch = (): WatchLine =>
    openWatchLine(
      process,
      (deliver) => home.subscribe(node, deliver),
      (stored) => {
        if (process.life !== life) return;
        if (stored !== undefined) decider.observe(stored);
        heard();
      },
    );
  const link: KeeperLink = {
    onRecord: () => undefined,
    silentMs: () => process.timeMs() - heardAtMs,
    hasHeard: () => hasHeard,
    leasedUntilMs: (term) => lease.untilMs(term),
    inbox,
    send(report) {
      lease.keep(report);
      member.takeReport(report, journalled()?.record ?? null);
      for (const line of peers.values()) line.send(report);
    },
    close: () => watch?.close(),
  };
  decider.begin(journalled() ?? undefined);
  return link;
}
