/** What the clients' write gap may be, ms, on a quiet machine at the default settings. */
export interface Budget {
  readonly name: string;
  readonly ms: number;
}

export const HANDOVER: Budget = { name: 'planned handover', ms: 250 };
export const PROCESS_KILLED: Budget = { name: 'PostgreSQL killed', ms: 300 };
export const HOST_LOST: Budget = { name: 'host lost or cut off', ms: 3_500 };
/** Commits go on without it; what is left is the pace of the writer itself. */
export const NO_GAP: Budget = { name: 'no gap', ms: 100 };
/** The last standby of a pair is given up after the detection time. */
export const ALONE: Budget = { name: 'going on alone', ms: 3_500 };

/** For how long clients may meet two servers that say they are open, ms; they never both acknowledge. */
export const BOTH_OPEN_MS = 1_500;
/** The same where the keeper of the old one hangs: its fencer looks once a second, and waits for the detection time twice. */
export const BOTH_OPEN_UNTIL_FENCED_MS = 5_000;
