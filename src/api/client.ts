import * as z from 'zod/mini';
import type { Report } from '../core/evidence.ts';
import type { GroupRecord } from '../core/group-record.ts';
import {
  AcceptedBody,
  EventBody,
  ErrorBody,
  EvidenceBody,
  FormationBody,
  FormationUriBody,
  GroupBody,
  HealthBody,
  RegisteredNodeBody,
  ReportAnswerBody,
  SettingsBody,
  type ArriveBody,
  type CreateFormationBody,
  type FailoverBody,
  type MoveBody,
  type RecoverBody,
  type RegisterNodeBody,
  type SettingsPatchBody,
  type SwitchoverBody,
  type UpdateNodeBody,
} from './schemas.ts';
import { fromErrorBody } from './errors.ts';
import { createHeldRequest, type HeldRequest } from './held-request.ts';
import { createTransport, notAMonitor, type Endpoint, type Exchange } from './transport.ts';
import { watchGroup, type WatchEvent, type WatchTimes } from './group-watch.ts';

/** Every call ends by then, one way or the other. */
export interface Deadline {
  readonly timeoutMs: number;
}

/** One group of a formation. */
export interface GroupAddress {
  readonly formation: string;
  readonly group: number;
}

/**
 * The monitor as keepers and commands see it. Bodies are those of `schemas.ts`.
 * Every call throws BatonError: the monitor's own refusals, BATON_UNREACHABLE,
 * BATON_TIMEOUT, BATON_UNAUTHORIZED or BATON_TLS_UNTRUSTED. After a time-out
 * or a connection that broke, whether a change was made is not known.
 */
export interface MonitorClient {
  health(call?: Deadline): Promise<HealthBody>;
  listFormations(call?: Deadline): Promise<readonly FormationBody[]>;
  getFormation(formation: string, call?: Deadline): Promise<FormationBody>;
  createFormation(body: CreateFormationBody, call?: Deadline): Promise<FormationBody>;
  dropFormation(formation: string, call?: Deadline): Promise<void>;
  getSettings(formation: string, call?: Deadline): Promise<SettingsBody>;
  updateSettings(formation: string, patch: SettingsPatchBody, call?: Deadline): Promise<AcceptedBody>;
  getUri(formation: string, call?: Deadline): Promise<FormationUriBody>;

  registerNode(formation: string, body: RegisterNodeBody, call?: Deadline): Promise<RegisteredNodeBody>;
  updateNode(formation: string, name: string, body: UpdateNodeBody, call?: Deadline): Promise<AcceptedBody>;
  dropNode(
    formation: string,
    name: string,
    options: { force: boolean },
    call?: Deadline,
  ): Promise<AcceptedBody>;
  enableMaintenance(
    formation: string,
    name: string,
    options: { allowFailover: boolean },
    call?: Deadline,
  ): Promise<AcceptedBody>;
  disableMaintenance(formation: string, name: string, call?: Deadline): Promise<AcceptedBody>;

  getGroup(address: GroupAddress, call?: Deadline): Promise<GroupBody>;
  getEvidence(address: GroupAddress, call?: Deadline): Promise<EvidenceBody>;
  switchover(address: GroupAddress, body: SwitchoverBody, call?: Deadline): Promise<AcceptedBody>;
  failover(address: GroupAddress, body: FailoverBody, call?: Deadline): Promise<AcceptedBody>;
  recoverGroup(address: GroupAddress, body: RecoverBody, call?: Deadline): Promise<AcceptedBody>;
  moveGroup(address: GroupAddress, body: MoveBody, call?: Deadline): Promise<AcceptedBody>;
  arriveGroup(address: GroupAddress, body: ArriveBody, call?: Deadline): Promise<AcceptedBody>;
  /** `record`: that of the keeper's journal, when the last answer has asked for it. */
  sendReport(
    address: GroupAddress,
    report: Report,
    call?: Deadline,
    record?: GroupRecord,
  ): Promise<ReportAnswerBody>;
  /** Follows the group until `signal` aborts; comes back by itself after every break. */
  watchGroup(address: GroupAddress, signal: AbortSignal): AsyncGenerator<WatchEvent, void, void>;

  /** The newest `count` events (default 10), oldest first; `before`: only those with a smaller id. */
  listEvents(
    filter: { formation?: string; group?: number; before?: number; count?: number; details?: boolean },
    call?: Deadline,
  ): Promise<readonly EventBody[]>;

  /** Closes the idle connections; calls under way go on. */
  close(): void;
}

export interface MonitorClientOptions {
  /** From `PGBATON_MONITOR_TOKEN` or a token file; undefined for a monitor with `--auth trust`. */
  readonly token?: string | undefined;
  /** For calls that name none, ms. */
  readonly timeoutMs?: number;
  readonly watchTimes?: WatchTimes;
}

/** Connects to nothing yet. Throws BATON_CONFIG_INVALID when the CA file can't be read. */
export function createMonitorClient(endpoint: Endpoint, options: MonitorClientOptions = {}): MonitorClient {
  const transport = createTransport(endpoint, options.token);
  const where = `${endpoint.host}:${endpoint.port}`;
  const defaultTimeoutMs = options.timeoutMs ?? 10_000;

  const ask: Ask = async (method, path, schema, deadline, call = {}) => {
    const timeoutMs = deadline?.timeoutMs ?? defaultTimeoutMs;
    const answer = await transport.exchange({
      method,
      path,
      timeoutMs,
      repeatable: method === 'GET',
      ...call,
    });
    return check(schema, answer);
  };

  function check<S extends z.ZodMiniType>(schema: S, answer: unknown): z.output<S> {
    const parsed = schema.safeParse(answer);
    if (!parsed.success) throw notAMonitor(where, 200, parsed.error);
    return parsed.data;
  }

  /** One for each group that reports go to: of a keeper that is one. */
  const lines = new Map<string, HeldRequest>();
  function lineOf(path: string): HeldRequest {
    const known = lines.get(path);
    if (known !== undefined) return known;
    const line = createHeldRequest(
      (timeoutMs) => transport.openExchanges(`${path}/reports/stream`, timeoutMs),
      where,
    );
    lines.set(path, line);
    return line;
  }

  return {
    ...formationCalls(ask),
    ...nodeCalls(ask),
    ...groupCalls(ask),
    health: (call) => ask('GET', '/v1/health', HealthBody, call),
    watchGroup: (address, signal) =>
      watchGroup(transport, `${groupPath(address)}/watch`, signal, options.watchTimes),
    async listEvents(filter, call) {
      const query = new URLSearchParams();
      for (const [key, value] of Object.entries(filter)) query.set(key, String(value));
      return await ask('GET', `/v1/events?${query.toString()}`, z.array(EventBody), call);
    },
    async sendReport(address, report, call, record) {
      const timeoutMs = call?.timeoutMs ?? defaultTimeoutMs;
      const answer = await lineOf(groupPath(address)).send({ report, record }, timeoutMs);
      const refusal = ErrorBody.safeParse(answer);
      if (refusal.success) throw fromErrorBody(refusal.data);
      return check(ReportAnswerBody, answer);
    },
    close() {
      for (const line of lines.values()) line.close();
      transport.close();
    },
  };
}

type Ask = <S extends z.ZodMiniType>(
  method: Exchange['method'],
  path: string,
  schema: S,
  deadline: Deadline | undefined,
  call?: { readonly body?: unknown; readonly repeatable?: boolean },
) => Promise<z.output<S>>;

function formationCalls(ask: Ask) {
  return {
    listFormations: (call) => ask('GET', '/v1/formations', z.array(FormationBody), call),
    getFormation: (formation, call) => ask('GET', formationPath(formation), FormationBody, call),
    createFormation: (body, call) => ask('POST', '/v1/formations', FormationBody, call, { body }),
    dropFormation: (formation, call) => ask('DELETE', formationPath(formation), z.void(), call),
    getSettings: (formation, call) => ask('GET', `${formationPath(formation)}/settings`, SettingsBody, call),
    updateSettings: (formation, body, call) =>
      ask('PATCH', `${formationPath(formation)}/settings`, AcceptedBody, call, { body }),
    getUri: (formation, call) => ask('GET', `${formationPath(formation)}/uri`, FormationUriBody, call),
  } satisfies Partial<MonitorClient>;
}

function nodeCalls(ask: Ask) {
  return {
    registerNode: (formation, body, call) =>
      ask('POST', `${formationPath(formation)}/nodes`, RegisteredNodeBody, call, { body }),
    updateNode: (formation, name, body, call) =>
      ask('PATCH', nodePath(formation, name), AcceptedBody, call, { body }),
    dropNode: (formation, name, { force }, call) =>
      ask('DELETE', `${nodePath(formation, name)}?force=${force}`, AcceptedBody, call),
    enableMaintenance: (formation, name, { allowFailover }, call) =>
      ask('POST', `${nodePath(formation, name)}/maintenance`, AcceptedBody, call, {
        body: { allow_failover: allowFailover },
      }),
    disableMaintenance: (formation, name, call) =>
      ask('DELETE', `${nodePath(formation, name)}/maintenance`, AcceptedBody, call),
  } satisfies Partial<MonitorClient>;
}

function groupCalls(ask: Ask) {
  return {
    getGroup: (address, call) => ask('GET', groupPath(address), GroupBody, call),
    getEvidence: (address, call) => ask('GET', `${groupPath(address)}/evidence`, EvidenceBody, call),
    switchover: (address, body, call) =>
      ask('POST', `${groupPath(address)}/switchover`, AcceptedBody, call, { body }),
    failover: (address, body, call) =>
      ask('POST', `${groupPath(address)}/failover`, AcceptedBody, call, { body }),
    recoverGroup: (address, body, call) =>
      ask('POST', `${groupPath(address)}/recover`, AcceptedBody, call, { body }),
    moveGroup: (address, body, call) =>
      ask('POST', `${groupPath(address)}/move`, AcceptedBody, call, { body }),
    arriveGroup: (address, body, call) =>
      ask('POST', `${groupPath(address)}/arrive`, AcceptedBody, call, { body }),
  } satisfies Partial<MonitorClient>;
}

function formationPath(formation: string): string {
  return `/v1/formations/${encodeURIComponent(formation)}`;
}

function nodePath(formation: string, name: string): string {
  return `${formationPath(formation)}/nodes/${encodeURIComponent(name)}`;
}

function groupPath({ formation, group }: GroupAddress): string {
  return `${formationPath(formation)}/groups/${group}`;
}
