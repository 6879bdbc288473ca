const INCLUDE_FIRST = "include_if_exists = 'pgbaton.defaults.conf'";
const INCLUDE_LAST = "include_if_exists = 'pgbaton.conf'";

/** postgresql.conf with the line that includes our defaults first, and the one that includes our decisions last. */
export function withIncludes(text: string): string {
  const own = text
    .split('\n')
    .filter((line) => line.trim() !== INCLUDE_FIRST && line.trim() !== INCLUDE_LAST)
    .join('\n')
    .replace(/\n+$/, '');
  return `${INCLUDE_FIRST}\n${own}\n${INCLUDE_LAST}\n`;
}

/** The settings named in a configuration file, in lower case. */
export function settingNames(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*([A-Za-z_][\w.$]*)\s*[=\s]/.exec(line);
    return match?.[1] === undefined ? [] : [match[1].toLowerCase()];
  });
}

/** The file without the lines that set one of these. */
export function withoutSettings(text: string, names: readonly string[]): string {
  return text
    .split('\n')
    .filter((line) => !settingNames(line).some((name) => names.includes(name)))
    .join('\n');
}

/** A passfile for libpq: the one password for every server of the group. */
export function renderPassfile(role: string, password: string): string {
  return `*:*:*:${role}:${password.replaceAll('\\', '\\\\').replaceAll(':', '\\:')}\n`;
}
