/** Where the monitor's things stand in the store. */
export const FORMATIONS_PREFIX = 'formations/';

export function formationKey(formation: string): string {
  return `${FORMATIONS_PREFIX}${formation}`;
}

export function recordKey(formation: string, group: number): string {
  return `${FORMATIONS_PREFIX}${formation}/groups/${group}`;
}

/** Where it is kept that a group's nodes know better than its record. */
export function contradictionKey(formation: string, group: number): string {
  return `${recordKey(formation, group)}/contradiction`;
}

/** Where the lease of a group's holder is: beside the records, so that whoever watches those does not wake up for it. */
export function leaseKey(formation: string, group: number): string {
  return `leases/${formation}/groups/${group}`;
}

/** The inverse of {@link formationKey}; undefined for a key of another kind. */
export function parseFormationKey(key: string): string | undefined {
  return /^formations\/([^/]+)$/.exec(key)?.[1];
}

/** What is written only to see whether the store takes it. */
export function probeKey(id: string): string {
  return `probes/${id}`;
}
