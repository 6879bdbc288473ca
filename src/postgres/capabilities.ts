/** What differs between the versions of PostgreSQL that are supported; nobody else compares version numbers. */
export interface Capabilities {
  /** A start after a crash can have whole file systems made durable, instead of file after file. */
  readonly syncsFileSystems: boolean;
  /** The predefined role pg_checkpoint lets others than superusers run CHECKPOINT. */
  readonly checkpointRole: boolean;
  /** pg_rewind and others see a new timeline before the first checkpoint on it is complete. */
  readonly rewindReadsFreshTimeline: boolean;
}

const SINCE: Readonly<Record<keyof Capabilities, number>> = {
  syncsFileSystems: 140_000,
  checkpointRole: 150_000,
  rewindReadsFreshTimeline: 160_000,
};

/** By `server_version_num`, for example 150018. */
export function capabilitiesOf(serverVersion: number): Capabilities {
  const has = (name: keyof Capabilities): boolean => serverVersion >= SINCE[name];
  return {
    syncsFileSystems: has('syncsFileSystems'),
    checkpointRole: has('checkpointRole'),
    rewindReadsFreshTimeline: has('rewindReadsFreshTimeline'),
  };
}
