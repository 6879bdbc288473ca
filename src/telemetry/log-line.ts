const HIDDEN_FIELDS = new Set(['level', 'time', 'pid', 'msg', 'err', 'hostname']);

/** `12:04:31 4711 WARN  the keeper is silent (node=2)`: a JSON line of the log for people in front of a terminal. */
export function formatLogLine(json: string): string {
  const entry = JSON.parse(json) as Record<string, unknown>;
  const time = timeOfDay(entry['time']);
  const level = text(entry['level']).toUpperCase().padEnd(5);
  const parts = [`${time} ${text(entry['pid'])} ${level} ${text(entry['msg'])}`];
  const fields = Object.entries(entry).filter(([key]) => !HIDDEN_FIELDS.has(key));
  if (fields.length > 0) parts.push(`(${fields.map(([key, value]) => `${key}=${text(value)}`).join(', ')})`);
  return `${parts.join(' ')}${formatError(entry['err'])}\n`;
}

function timeOfDay(time: unknown): string {
  const date = new Date(text(time));
  return Number.isNaN(date.getTime()) ? '--:--:--' : date.toTimeString().slice(0, 8);
}

function formatError(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const { message, detail, hint } = error as Record<string, unknown>;
  const lines = [message === undefined ? '' : `: ${text(message)}`];
  if (detail !== undefined) lines.push(`\n         DETAIL: ${text(detail)}`);
  if (hint !== undefined) lines.push(`\n         HINT: ${text(hint)}`);
  return lines.join('');
}

function text(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
