import { beStubborn, isInRecovery, type StubbornOptions } from './stubborn-client.ts';

/** Writes to one server for ever, whatever role that has, and remembers what it acknowledged. */
export interface StubbornWriter {
  readonly table: string;
  acknowledged(): readonly number[];
  stop(): Promise<void>;
}

export interface StubbornWriterOptions extends StubbornOptions {
  readonly table: string;
}

/**
 * The client that fencing is for: it sits on the machine of one server, asks
 * nobody whether that is the primary, and switches the read-only default of
 * its session off.
 */
export function startStubbornWriter(options: StubbornWriterOptions): StubbornWriter {
  const acknowledged: number[] = [];
  let nextId = 1;
  const { stop } = beStubborn(options, async (client) => {
    // Asked first, or a standby's log would hold nothing but refusals.
    if (await isInRecovery(client)) return;
    const id = nextId++;
    await client.query(`insert into ${options.table} (id) values ($1)`, [id]);
    acknowledged.push(id);
  });
  return { table: options.table, acknowledged: () => [...acknowledged], stop };
}
