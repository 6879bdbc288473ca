import type { MonitorClient } from '../api/client.ts';
import type { MonitorService } from '../api/monitor-service.ts';
import {
  CreateFormationBody,
  FailoverBody,
  MoveBody,
  RecoverBody,
  RegisterNodeBody,
  SwitchoverBody,
} from '../api/schemas.ts';
import { BatonError } from '../lib/baton-error.ts';

/** A service that is only here as long as it is asked has nothing to follow. */
const NOBODY = new BatonError('BATON_UNREACHABLE', 'no keeper of the group answers', {
  hint: 'Is a keeper running? "pgbaton run" on the machine of a node starts it.',
});

/** A service of this very process, asked as if it were far away. What it does ends by its own deadlines. */
export function serviceClient(service: MonitorService): Omit<MonitorClient, 'close'> {
  const now = async <T>(answer: () => T | Promise<T>): Promise<T> => answer();
  return {
    health: () => now(() => service.health()),
    listFormations: () => now(() => service.listFormations()),
    getFormation: (formation) => now(() => service.getFormation(formation)),
    createFormation: (body) => now(() => service.createFormation(CreateFormationBody.parse(body))),
    dropFormation: (formation) => now(() => service.dropFormation(formation)),
    getSettings: (formation) => now(() => service.getSettings(formation)),
    updateSettings: (formation, patch) => now(() => service.updateSettings(formation, patch)),
    getUri: (formation) => now(() => service.getUri(formation)),
    registerNode: (formation, body) =>
      now(() => service.registerNode(formation, RegisterNodeBody.parse(body))),
    updateNode: (formation, name, body) => now(() => service.updateNode({ formation, name }, body)),
    dropNode: (formation, name, options) => now(() => service.dropNode({ formation, name }, options)),
    enableMaintenance: (formation, name, options) =>
      now(() => service.enableMaintenance({ formation, name }, options)),
    disableMaintenance: (formation, name) => now(() => service.disableMaintenance({ formation, name })),
    getGroup: (address) => now(() => service.getGroup(address)),
    getEvidence: (address) => now(() => service.getEvidence(address)),
    switchover: (address, body) => now(() => service.switchover(address, SwitchoverBody.parse(body))),
    failover: (address, body) => now(() => service.failover(address, FailoverBody.parse(body))),
    recoverGroup: (address, body) => now(() => service.recoverGroup(address, RecoverBody.parse(body))),
    moveGroup: (address, body) => now(() => service.moveGroup(address, MoveBody.parse(body))),
    arriveGroup: (address, body) => now(() => service.arriveGroup(address, body)),
    sendReport: (address, report, _call, record) => now(() => service.takeReport(address, report, record)),
    listEvents: ({ count = 10, ...filter }) => now(() => service.listEvents({ count, ...filter })),
    async *watchGroup() {
      await Promise.resolve();
      yield { kind: 'disconnected', error: NOBODY };
    },
  };
}
