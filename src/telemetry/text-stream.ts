import { styleText } from 'node:util';

const LEVELS: Record<number, { readonly word: string; readonly style: Parameters<typeof styleText>[0] }> = {
  10: { word: 'TRACE', style: 'dim' },
  20: { word: 'DEBUG', style: 'dim' },
  30: { word: 'INFO', style: 'green' },
  40: { word: 'WARN', style: 'yellow' },
  50: { word: 'ERROR', style: 'red' },
  60: { word: 'FATAL', style: 'red' },
};

interface LogLine {
  readonly time: string;
  readonly pid: number;
  readonly level: number;
  readonly msg?: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly err?: { readonly message?: string; readonly detail?: string; readonly hint?: string };
}

/** Turns pino's JSON lines into `14:03:12 4711 INFO  message`, with detail and hint on lines of their own. */
export function textStream(out: NodeJS.WritableStream & { readonly isTTY?: boolean }): {
  write(line: string): void;
} {
  return {
    write(line) {
      out.write(formatLine(JSON.parse(line) as LogLine, out.isTTY === true));
    },
  };
}

export function formatLine(line: LogLine, colours: boolean): string {
  const { word, style } = LEVELS[line.level] ?? { word: 'INFO', style: 'green' as const };
  const level = colours ? styleText(style, word.padEnd(5)) : word.padEnd(5);
  const reason = line.err?.message === undefined ? '' : `: ${line.err.message}`;
  const lines = [`${clockOf(line.time)} ${line.pid} ${level} ${line.msg ?? ''}${reason}`];
  const detail = line.detail ?? line.err?.detail;
  const hint = line.hint ?? line.err?.hint;
  if (detail !== undefined) lines.push(`    DETAIL: ${detail}`);
  if (hint !== undefined) lines.push(`    HINT: ${hint}`);
  return `${lines.join('\n')}\n`;
}

function clockOf(iso: string): string {
  const at = new Date(iso);
  return [at.getHours(), at.getMinutes(), at.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}
