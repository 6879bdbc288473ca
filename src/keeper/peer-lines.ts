import { createMonitorClient, type MonitorClient } from '../api/client.ts';
import type { Report } from '../core/evidence.ts';
import type { GroupRecord, NodeId } from '../core/group-record.ts';
import type { BatonError } from '../lib/baton-error.ts';
import { createLineState } from '../lib/line-state.ts';
import type { StoredRecord } from '../deciding/record-cell.ts';
import { REPORT_TIMEOUT_MS } from './group-link.ts';
import { openReportLine, type ReportLine } from './report-line.ts';

/** A keeper's lines to the other keepers of its group: each of them decides by what it is told. */
export interface PeerLines {
  /** Lines to all nodes of the record but the own one; those to nodes that are gone or have moved are closed. */
  follow(record: GroupRecord): void;
  send(report: Report): void;
  close(): Promise<void>;
}

export interface PeerLinesOptions {
  readonly node: NodeId;
  readonly key: Buffer;
  /** Monotonic, ms. */
  readonly nowMs: () => number;
  /** The record that is on disk here, for a store that has lost its own. */
  readonly journalled: () => GroupRecord | null;
  /** A peer knows a record of another version than the one that was reported. */
  readonly onRecord: (stored: StoredRecord) => void;
  /** A peer was lost (with the reason) or is there again (undefined). Called once a change. */
  readonly onLine: (peer: string, error: BatonError | undefined) => void;
}

interface Peer {
  readonly where: string;
  readonly client: MonitorClient;
  readonly line: ReportLine;
}

export function openPeerLines(options: PeerLinesOptions): PeerLines {
  const peers = new Map<NodeId, Peer>();

  function open(name: string, host: string, port: number, record: GroupRecord): Peer {
    const client = createMonitorClient({ host, port, sslmode: 'key', key: options.key });
    const address = { formation: record.formation, group: record.group };
    const state = createLineState({
      nowMs: options.nowMs,
      onLine: (error) => options.onLine(name, error),
    });
    const line = openReportLine({
      send: (report, record) => client.sendReport(address, report, { timeoutMs: REPORT_TIMEOUT_MS }, record),
      nowMs: options.nowMs,
      journalled: options.journalled,
      onAnswer(answer) {
        state.heard();
        if (answer.record !== undefined)
          options.onRecord({ record: answer.record, version: answer.record_version });
      },
      onFailure: (error) => state.lost(error),
    });
    return { where: `${host}:${port}`, client, line };
  }

  async function closePeer({ client, line }: Peer): Promise<void> {
    await line.close();
    client.close();
  }

  return {
    follow(record) {
      const wanted = record.nodes.filter(
        ({ id, keeperPort }) => id !== options.node && keeperPort !== undefined,
      );
      for (const [id, peer] of peers) {
        const node = wanted.find((each) => each.id === id);
        if (node !== undefined && peer.where === `${node.host}:${node.keeperPort}`) continue;
        peers.delete(id);
        void closePeer(peer);
      }
      for (const { id, name, host, keeperPort } of wanted) {
        if (keeperPort !== undefined && !peers.has(id)) peers.set(id, open(name, host, keeperPort, record));
      }
    },
    send(report) {
      for (const { line } of peers.values()) line.send(report);
    },
    async close() {
      await Promise.all([...peers.values()].map(closePeer));
      peers.clear();
    },
  };
}
