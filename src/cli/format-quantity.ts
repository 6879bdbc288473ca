/** `40 ms`, `1.4 s`, `12 s`, `3 min`, `5 h`, `2 days`: as exact as a person wants it. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 2 * 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** `512 bytes`, `4.2 kB`, `16.0 MB`, in powers of 1024 as PostgreSQL counts. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  let value = bytes;
  for (const unit of ['kB', 'MB', 'GB', 'TB']) {
    value /= 1024;
    if (value < 1024 || unit === 'TB') return `${value.toFixed(1)} ${unit}`;
  }
  return `${bytes} bytes`;
}

/** `14:03:12.345` of the local time. */
export function formatClock(at: Date): string {
  const milliseconds = String(at.getMilliseconds()).padStart(3, '0');
  return `${formatTime(at)}.${milliseconds}`;
}

/** `2026-11-20 14:03:12` of the local time. */
export function formatTimestamp(at: Date): string {
  const date = [at.getFullYear(), at.getMonth() + 1, at.getDate()].map(twoDigits).join('-');
  return `${date} ${formatTime(at)}`;
}

function formatTime(at: Date): string {
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(':');
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

/** `"a", "b" and "c"` for `a`, `b`, `c`. */
export function listNames(names: readonly string[]): string {
  const quoted = names.map((name) => `"${name}"`);
  const last = quoted.at(-1) ?? 'none';
  return quoted.length < 2 ? last : `${quoted.slice(0, -1).join(', ')} and ${last}`;
}
