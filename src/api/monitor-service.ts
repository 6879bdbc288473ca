import type * as z from 'zod/mini';
import type { Report } from '../core/evidence.ts';
import type { GroupRecord } from '../core/group-record.ts';
import type { GroupAddress } from './client.ts';
import type {
  AcceptedBody,
  ArriveBody,
  CreateFormationBody,
  EventBody,
  EvidenceBody,
  FailoverBody,
  FormationBody,
  FormationUriBody,
  GroupBody,
  HealthBody,
  MoveBody,
  NodeView,
  RecoverBody,
  RegisteredNodeBody,
  RegisterNodeBody,
  ReportAnswerBody,
  SettingsBody,
  SettingsPatchBody,
  SwitchoverBody,
  UpdateNodeBody,
} from './schemas.ts';

/** One node, by name. */
export interface NodeAddress {
  readonly formation: string;
  readonly name: string;
}

/** What can be read of groups at once where they are decided for. */
export interface GroupReads {
  health(): HealthBody;
  listFormations(): readonly FormationBody[];
  getFormation(formation: string): FormationBody;
  getSettings(formation: string): SettingsBody;
  getUri(formation: string): FormationUriBody;
  getGroup(group: GroupAddress): GroupBody;
  getEvidence(group: GroupAddress): EvidenceBody;
}

/** The same where others have to be asked for it. */
type AskedReads = {
  [K in keyof GroupReads]: (
    ...given: Parameters<GroupReads[K]>
  ) => ReturnType<GroupReads[K]> | Promise<ReturnType<GroupReads[K]>>;
};

/** What the routes need. Bodies are checked before they come here; refusals are thrown as BatonError. */
export interface MonitorService extends AskedReads, GroupCalls {}

/** Of those who decide. */
export interface DecidingService extends GroupReads, GroupCalls {}

/** What takes its time in any case. */
interface GroupCalls {
  createFormation(body: z.output<typeof CreateFormationBody>): Promise<FormationBody>;
  dropFormation(formation: string): Promise<void>;
  updateSettings(formation: string, patch: SettingsPatchBody): Promise<AcceptedBody>;

  registerNode(formation: string, body: z.output<typeof RegisterNodeBody>): Promise<RegisteredNodeBody>;
  updateNode(node: NodeAddress, body: UpdateNodeBody): Promise<AcceptedBody>;
  dropNode(node: NodeAddress, options: { readonly force: boolean }): Promise<AcceptedBody>;
  enableMaintenance(node: NodeAddress, options: { readonly allowFailover: boolean }): Promise<AcceptedBody>;
  disableMaintenance(node: NodeAddress): Promise<AcceptedBody>;

  switchover(group: GroupAddress, body: z.output<typeof SwitchoverBody>): Promise<AcceptedBody>;
  failover(group: GroupAddress, body: z.output<typeof FailoverBody>): Promise<AcceptedBody>;
  /** `journalled`: the record of the keeper's journal, when it was asked for. */
  takeReport(group: GroupAddress, report: Report, journalled?: GroupRecord): Promise<ReportAnswerBody>;
  /** Puts the newest record that the group's nodes have in the place of the store's own. */
  recoverGroup(group: GroupAddress, body: z.output<typeof RecoverBody>): Promise<AcceptedBody>;
  /** One step of a move into another home, asked of the one that the group has now. */
  moveGroup(group: GroupAddress, body: z.output<typeof MoveBody>): Promise<AcceptedBody>;
  /** Takes in a group that moves here, or tells whether it could. */
  arriveGroup(group: GroupAddress, body: ArriveBody): Promise<AcceptedBody>;

  listEvents(query: EventQuery): Promise<readonly EventBody[]>;
  /** Calls back for every message until the returned function is called. */
  watchGroup(group: GroupAddress, listener: (message: GroupMessage) => void): () => void;
}

export interface EventQuery {
  readonly formation?: string | undefined;
  readonly group?: number | undefined;
  /** Only events with a greater id. */
  readonly after?: number | undefined;
  /** Only events with a smaller id. */
  readonly before?: number | undefined;
  /** With the records that were read and that resulted. */
  readonly details?: boolean | undefined;
  /** The newest so many. */
  readonly count: number;
}

/** What the watchers of a group are told. */
export type GroupMessage =
  | { readonly kind: 'record'; readonly version: number; readonly record: GroupRecord }
  | { readonly kind: 'state'; readonly node: NodeView }
  | { readonly kind: 'event'; readonly event: EventBody };
