/** Everything that a person, or a joining keeper, can ask of a group. */
export type { Accepted, Answer, Refused } from './answer.ts';
export {
  disableMaintenance,
  dropNode,
  enableMaintenance,
  registerNode,
  updateNode,
  updateSettings,
  type NodeChanges,
  type Registration,
} from './membership-requests.ts';
export { announceMove, finishMove, undoMove, type MoveRequest } from './move-record.ts';
export {
  requestFailover,
  requestSwitchover,
  type FailoverRequest,
  type SwitchoverRequest,
} from './reign-requests.ts';
