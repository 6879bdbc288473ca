import type { PostgresStatus } from '../src/core/evidence.ts';
import type { NodeId } from '../src/core/group-record.ts';
import { sameUpstream, type ServerSettings } from '../src/core/server-settings.ts';
import type { Mutable } from './mutable.ts';
import { createProcess, type VirtualProcess } from './process.ts';
import { endAtStandby, endAtUpstream, requestReceiver, send, type Replication } from './replication.ts';
import { createReplay, type Replay } from './replay.ts';
import { flushedByVoters, parseNames, type StandbyNames } from './standby-names.ts';
import { forkTimeline, nextRecord, type RecordKind, type Timeline, type WalRecord } from './wal.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

/** A data directory: what survives the server. */
export interface DataDirectory {
  readonly systemIdentifier: string;
  /** What has been written; a crash may lose what is behind `flushed`. */
  readonly wal: WalRecord[];
  /** How many records are durable. */
  flushed: number;
  /** Received of the record behind the last one. */
  partialBytes: number;
  /** pg_control says "shut down". */
  isClean: boolean;
  /** The timeline of the last checkpoint, which is what pg_rewind looks at. */
  controlTimeline: number;
  readonly slots: Set<NodeId>;
  /** How many records a copy needs before it is consistent and lets anybody in. */
  needed: number;
}

interface Waiter {
  readonly record: WalRecord;
  readonly done: (record: WalRecord | undefined) => void;
}

/** One PostgreSQL server with its data directory. Knows no group, like the real one. */
export interface VirtualPostgres {
  readonly node: NodeId;
  readonly process: VirtualProcess;
  /** The chance of this node's server and of its keeper's steps. */
  readonly random: Random;
  data: DataDirectory | null;
  /** A copy or a rewind has been begun and not finished. */
  hasSentinel: boolean;
  status: 'down' | 'starting' | 'running' | 'stopping';
  role: 'primary' | 'standby' | null;
  /** As written to disk; `effective` is what the processes have read. */
  settings: ServerSettings | null;
  effective: ServerSettings | null;
  names: StandbyNames | null;
  receiver: Replication | null;
  /** The term for which it last began to receive. */
  receivedTerm: number;
  readonly senders: Set<Replication>;
  readonly replay: Replay;
  /** Until then nothing that is written becomes durable. */
  diskHungUntilMs: number;
  /** Nothing new can be written: no journal, no start, no promotion. */
  isDiskFull: boolean;
  /** No room in the WAL files that are there already either: PostgreSQL ends with the next record. */
  isWalFull: boolean;
  /** When replay has run dry after a start: before that the end of the WAL is not known. */
  endKnownAtMs: number;
  /** The last record that a reader can see: acknowledged, or recovered at the start. */
  readonly visible: WalRecord | undefined;
  /** Told when a primary waits for other names than before. */
  onNames: () => void;
  /** Told when the server dies or stops. */
  onChange: () => void;

  statusSeen(): PostgresStatus;
  isWritable(): boolean;
  /** Whether a session can read what only this server has: a primary that lets clients in, and is not just promoted. */
  isReadableAsPrimary(): boolean;
  initialise(systemIdentifier: string): void;
  configure(settings: ServerSettings): void;
  setNames(text: string): void;
  start(role: 'primary' | 'standby', takesMs: number): void;
  /** Appends and flushes a record; `done` with it when it is acknowledged, with undefined when the server ends before. */
  write(kind: RecordKind, value: number, done: Waiter['done']): void;
  /** Everything up to `count` records is durable. */
  flush(count: number): void;
  /** Does `task` once something has been written, which takes so long unless the disk hangs. */
  afterWriting(delayMs: number, task: () => void): void;
  /** Clients give up waiting: what they wrote stays, and nobody has acknowledged it. */
  cancelCommits(): void;
  releaseWaiters(): void;
  /** With `byHand` on the next number that PostgreSQL finds, as `pg_ctl promote` does. */
  promote(timeline: number | 'by hand'): void;
  checkpoint(): void;
  /** Fast shutdown; clean in the end unless it is killed. */
  stopFast(): void;
  /** `tells`: its sockets close; else its machine is gone and nobody hears of it. */
  kill(tells: boolean): void;
  /** Everything received is flushed, and the receiver is gone. */
  endReceiver(): void;
}

/** How often something that waits for a disk that hangs looks again, ms. */
const HUNG_POLL_MS = 100;

export function createVirtualPostgres(world: World, node: NodeId): VirtualPostgres {
  const { clock } = world;
  const random = world.randomOf('servers', node);
  const process = createProcess(clock, world.clockOf(node));
  let waiters: Waiter[] = [];
  let wasPromoted = false;

  function append(kind: RecordKind, value: number, timeline?: Timeline): WalRecord {
    const { data } = self;
    if (data === null) throw new Error('no data directory to write to');
    const last = data.wal.at(-1);
    const record = nextRecord(
      last,
      timeline ?? last?.timeline ?? { id: 1, history: [], begunBy: node, isByHand: false },
      kind,
      value,
      random.int(40, 8_000),
    );
    data.wal.push(record);
    return record;
  }

  function dropWaiters(): void {
    const dropped = waiters;
    waiters = [];
    for (const { done } of dropped) done(undefined);
  }

  function goDown(tells: boolean): void {
    if (self.receiver !== null) endAtStandby(world, self, self.receiver);
    for (const sender of self.senders) endAtUpstream(world, self, sender, tells);
    self.senders.clear();
    process.kill();
    self.status = 'down';
    self.role = null;
    self.names = null;
    dropWaiters();
    self.onChange();
  }

  function readSettings(): void {
    const before = self.effective?.upstream;
    const { settings } = self;
    self.effective = settings;
    if (self.role !== 'standby' || settings === null) return;
    self.names = parseNames(settings.synchronousStandbyNames);
    if (self.receiver !== null && sameUpstream(before ?? null, settings.upstream)) return;
    if (self.receiver !== null) endAtStandby(world, self, self.receiver);
    else requestReceiver(world, self, random.between(1, 100));
  }

  /** The postmaster waits until the walsenders have sent the shutdown record, or are gone. */
  function drainSenders(): void {
    const length = self.data?.wal.length ?? 0;
    const isDrained = [...self.senders].every(
      (sender) => sender.sent >= length && sender.inFlight.length === 0,
    );
    if (isDrained) process.after(random.between(5, 30), () => goDown(true));
    else process.after(5, drainSenders);
  }

  /** Recovery is done as far as it must be: sessions are let in. */
  function run(data: DataDirectory, role: 'primary' | 'standby'): void {
    self.status = 'running';
    wasPromoted = false;
    self.effective = self.settings;
    self.names = parseNames(self.settings?.synchronousStandbyNames ?? '');
    self.endKnownAtMs = clock.nowMs + random.between(2, 60);
    world.trace(`n${node}`, () => `PostgreSQL runs as ${role}, WAL to ${data.wal.at(-1)?.lsn}`);
    self.visible = data.wal.at(-1);
    if (role === 'standby') return requestReceiver(world, self, random.between(1, 100));
    self.onNames();
    self.flush(append('checkpoint', 0).index + 1);
    data.controlTimeline = data.wal.at(-1)?.timeline.id ?? 1;
  }

  const self: Mutable<VirtualPostgres> = {
    node,
    process,
    random,
    data: null,
    hasSentinel: false,
    status: 'down',
    role: null,
    settings: null,
    effective: null,
    names: null,
    receiver: null,
    receivedTerm: 0,
    senders: new Set(),
    replay: createReplay(clock),
    endKnownAtMs: 0,
    diskHungUntilMs: 0,
    isDiskFull: false,
    isWalFull: false,
    onNames: () => undefined,
    onChange: () => undefined,
    visible: undefined,

    statusSeen() {
      if (self.status === 'running') return process.pausedUntilMs > clock.nowMs ? 'unresponsive' : 'running';
      if (self.status !== 'down') return 'starting';
      if (self.hasSentinel) return 'incomplete';
      if (self.data === null) return 'absent';
      return self.data.isClean ? 'stopped' : 'crashed';
    },

    isWritable: () =>
      self.status === 'running' &&
      self.role === 'primary' &&
      self.effective !== null &&
      !self.effective.readOnly &&
      !self.effective.locked,

    isReadableAsPrimary: () =>
      self.status === 'running' &&
      self.role === 'primary' &&
      self.effective?.locked === false &&
      (!wasPromoted || !self.effective.readOnly),

    initialise(systemIdentifier) {
      self.data = {
        systemIdentifier,
        wal: [],
        flushed: 0,
        partialBytes: 0,
        isClean: true,
        controlTimeline: 1,
        slots: new Set(),
        needed: 0,
      };
      self.data.flushed = append('shutdown', 0).index + 1;
    },

    configure(settings) {
      self.settings = settings;
      if (self.status === 'running') process.after(random.between(1, 8), readSettings);
    },

    setNames(text) {
      self.names = parseNames(text);
      // On disk too: whoever starts the server again waits for the same.
      const isRead = self.effective === self.settings;
      self.settings = self.settings && { ...self.settings, synchronousStandbyNames: text };
      if (isRead) self.effective = self.settings;
      self.onNames();
      self.releaseWaiters();
    },

    start(role, takesMs) {
      if (self.status !== 'down' || self.data === null) return;
      process.begin();
      self.replay.release();
      self.status = 'starting';
      self.data.isClean = false;
      process.after(takesMs, () => {
        const { data } = self;
        if (data === null) return;
        if (self.isDiskFull) return goDown(true);
        data.partialBytes = 0;
        self.role = role;
        if (data.needed > data.flushed) return requestReceiver(world, self, random.between(1, 100));
        run(data, role);
      });
    },

    write(kind, value, done) {
      if (self.status !== 'running' || self.role !== 'primary') return done(undefined);
      if (self.isWalFull) {
        done(undefined);
        return self.kill(true);
      }
      const record = append(kind, value);
      waiters.push({ record, done });
      self.afterWriting(random.between(0.1, 1), () => {
        self.flush(record.index + 1);
        self.releaseWaiters();
      });
    },

    afterWriting(delayMs, task) {
      const isHung = self.diskHungUntilMs > clock.nowMs;
      process.after(isHung ? Math.max(delayMs, HUNG_POLL_MS) : delayMs, () => {
        if (self.diskHungUntilMs > clock.nowMs) self.afterWriting(delayMs, task);
        else task();
      });
    },

    cancelCommits() {
      const cancelled = waiters.filter(({ record }) => record.kind === 'commit');
      waiters = waiters.filter(({ record }) => record.kind !== 'commit');
      for (const { done } of cancelled) done(undefined);
    },

    flush(count) {
      if (self.data === null || count <= self.data.flushed) return;
      self.data.flushed = count;
      if (self.status === 'starting' && self.role === 'standby' && count >= self.data.needed)
        run(self.data, 'standby');
      for (const sender of self.senders) send(world, self, sender);
    },

    releaseWaiters() {
      const { data, names } = self;
      if (data === null || waiters.length === 0 || self.role !== 'primary' || self.status !== 'running')
        return;
      const safe =
        names === null ? data.flushed : Math.min(data.flushed, flushedByVoters(self.senders, names));
      let released = 0;
      while (released < waiters.length && waiters[released]!.record.index < safe) released += 1;
      if (released === 0) return;
      const done = waiters.slice(0, released);
      waiters = waiters.slice(released);
      self.visible = done.at(-1)?.record;
      for (const waiter of done) waiter.done(waiter.record);
    },

    promote(timeline) {
      // A promotion ends a pause, and then there is more to replay first.
      const replayMs = self.replay.isHeld() ? random.between(100, 3_000) : 0;
      self.replay.release();
      self.afterWriting(replayMs + random.between(15, 80), () => {
        const { data } = self;
        const last = data?.wal.at(-1);
        if (self.isDiskFull) return self.kill(true);
        if (self.role !== 'standby' || self.status !== 'running' || data === null || last === undefined)
          return;
        if (timeline === 'by hand' && isTakenByHand(world, self)) return;
        if (self.receiver !== null) endAtStandby(world, self, self.receiver);
        self.role = 'primary';
        wasPromoted = true;
        self.effective = self.settings;
        self.names = parseNames(self.settings?.synchronousStandbyNames ?? '');
        data.partialBytes = 0;
        self.visible = last;
        const next = last.timeline.id + 1;
        const begun =
          timeline === 'by hand'
            ? forkTimeline(last, next, node, true)
            : forkTimeline(last, Math.max(timeline, next), node, false);
        self.flush(append('end_of_recovery', 0, begun).index + 1);
        world.checkers.promoted(self, begun);
        self.onNames();
      });
    },

    checkpoint() {
      if (self.role !== 'primary' || self.data === null || self.status !== 'running') return;
      const record = append('checkpoint', 0);
      self.data.controlTimeline = record.timeline.id;
      self.afterWriting(random.between(0.1, 1), () => self.flush(record.index + 1));
    },

    stopFast() {
      if (self.status === 'starting') return goDown(true);
      if (self.status !== 'running') return;
      self.status = 'stopping';
      dropWaiters();
      const wasPrimary = self.role === 'primary';
      self.afterWriting(random.between(20, 120), () => {
        const { data } = self;
        if (data === null) return;
        if (wasPrimary && self.isWalFull) return self.kill(true);
        if (wasPrimary) self.flush(append('shutdown', 0).index + 1);
        else data.flushed = data.wal.length;
        data.isClean = true;
        data.controlTimeline = data.wal.at(-1)?.timeline.id ?? 1;
        drainSenders();
      });
    },

    kill(tells) {
      if (self.status === 'down') return;
      const { data } = self;
      goDown(tells);
      if (data === null) return;
      // What was written and not flushed may or may not be found again; what is found is durable then.
      data.wal.length = random.int(data.flushed, data.wal.length);
      data.flushed = data.wal.length;
    },

    endReceiver() {
      if (self.receiver !== null) endAtStandby(world, self, self.receiver);
      if (self.data !== null) self.flush(self.data.wal.length);
    },
  };
  return self;
}

/** Two servers that people promote from one point to one number can't be told apart: see docs/limits.md. */
export function isTakenByHand({ servers }: World, server: VirtualPostgres): boolean {
  const next = (server.data?.wal.at(-1)?.timeline.id ?? 0) + 1;
  return [...servers.values()].some(({ data }) =>
    data?.wal.some(({ timeline }) => timeline.isByHand && timeline.id === next),
  );
}
