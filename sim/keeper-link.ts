import type { Report } from '../src/core/evidence.ts';
import type { RecordInbox } from './record-inbox.ts';

/** A keeper's line to those who decide: src/keeper/group-link.ts. */
export interface KeeperLink {
  readonly inbox: RecordInbox;
  send(report: Report): void;
  silentMs(): number;
  hasHeard(): boolean;
  leasedUntilMs(term: number): number;
  onRecord: () => void;
  close(): void;
}
