import type { Terminal } from '../cli/cli-context.ts';

type Streams = Pick<NodeJS.Process, 'stdin' | 'stdout' | 'stderr' | 'on' | 'off'>;

/** The terminal of a process, for views that draw and read keys. Nothing is changed before it is used. */
export function openTerminal({ stdin, stdout, on, off }: Streams): Terminal {
  return {
    get columns() {
      return stdout.columns;
    },
    get rows() {
      return stdout.rows;
    },
    write: (text) => void stdout.write(text),
    onKey(listener) {
      const take = (keys: string): void => {
        for (const key of keys) listener(key);
      };
      stdin.setRawMode(true);
      stdin.setEncoding('utf8').on('data', take).resume();
      return () => {
        stdin.off('data', take).pause();
        stdin.setRawMode(false);
      };
    },
    onResize(listener) {
      stdout.on('resize', listener);
      return () => stdout.off('resize', listener);
    },
    onExit(listener) {
      on.call(process, 'exit', listener);
      return () => off.call(process, 'exit', listener);
    },
  };
}

/** Asks for a line on stderr, so that a result on stdout stays a result; undefined when there is no terminal. */
export async function askOnTerminal(
  { stdin, stderr }: Streams,
  question: string,
): Promise<string | undefined> {
  if (!stdin.isTTY || !stderr.isTTY) return undefined;
  // Loaded on demand, as every command would pay for it.
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: stdin, output: stderr });
  try {
    return (await lines.question(question)).trim();
  } finally {
    lines.close();
  }
}
