import type { DemoStore } from './demo-home.ts';

/** Where the demo writes: `process.stdout` and `process.stderr`, or a test's own. */
export interface TextSink {
  write(text: string): unknown;
}

export interface DemoOptions {
  /** End after the last measurement instead of staying until Ctrl-C. */
  readonly once: boolean;
  /** The last line on stdout is the result as JSON; the story goes to stderr. */
  readonly json: boolean;
  /** How many PostgreSQL servers, 2 to 9. */
  readonly nodes: number;
  /** Undefined: a monitor. */
  readonly store?: DemoStore | undefined;
  /** Where to make the group's directories; undefined: a new one in the folder for temporary files. */
  readonly directory?: string | undefined;
  /** Leave the directories and logs where they are; the processes end all the same. */
  readonly keep: boolean;
  /** Undefined: the process's own. */
  readonly stdout?: TextSink | undefined;
  readonly stderr?: TextSink | undefined;
  /** How to run pgbaton, program first; undefined: as this process was started. */
  readonly program?: readonly string[] | undefined;
  /** Ends the demo as Ctrl-C does. */
  readonly signal?: AbortSignal | undefined;
}
