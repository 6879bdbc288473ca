import { existsSync, readdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { BatonError } from '../lib/baton-error.ts';
import { programEnvironment, runCommand } from '../system/run-command.ts';

export const OLDEST_MAJOR_VERSION = 13;

export interface PostgresBinaries {
  readonly binDirectory: string;
  readonly majorVersion: number;
  /** As PostgreSQL prints it, for people: `15.18`. */
  readonly version: string;
}

const REQUIRED = [
  'postgres',
  'pg_ctl',
  'initdb',
  'pg_basebackup',
  'pg_rewind',
  'pg_controldata',
  'pg_waldump',
];

/**
 * Finds the server programs: in the given directory (or beside the given
 * pg_ctl), else by PG_CONFIG, PATH, and the places of the usual packages, the
 * newest version first. Throws BATON_POSTGRES_MISSING saying what was looked
 * at. For the start of a program: it looks at the disk synchronously.
 */
export async function findBinaries(given?: string): Promise<PostgresBinaries> {
  const candidates = given === undefined ? await usualPlaces() : [binDirectoryOf(given)];
  const rejected: string[] = [];
  for (const binDirectory of new Set(candidates)) {
    const missing = REQUIRED.filter((name) => !existsSync(join(binDirectory, name)));
    if (missing.length > 0) {
      rejected.push(`"${binDirectory}" has no ${missing.join(', ')}.`);
      continue;
    }
    const version = await versionOf(binDirectory);
    const majorVersion = Number.parseInt(version, 10);
    if (majorVersion >= OLDEST_MAJOR_VERSION) return { binDirectory, majorVersion, version };
    rejected.push(`"${binDirectory}" has version ${version}.`);
  }
  throw new BatonError(
    'BATON_POSTGRES_MISSING',
    `no server programs of PostgreSQL ${OLDEST_MAJOR_VERSION} or newer were found`,
    {
      detail: rejected.join(' ') || 'Neither PG_CONFIG nor PATH nor /usr/lib/postgresql leads to any.',
      hint: 'Install the server package (on Debian: apt install postgresql), or name its pg_ctl with --pgctl.',
    },
  );
}

/** Accepts a directory as well as the path of pg_ctl in it. */
function binDirectoryOf(given: string): string {
  return given.endsWith('/pg_ctl') ? dirname(given) : given;
}

async function usualPlaces(): Promise<string[]> {
  const places: string[] = [];
  const pgConfig = process.env['PG_CONFIG'];
  if (pgConfig) {
    const { stdout } = await runCommand(pgConfig, ['--bindir'], { timeoutMs: 10_000 });
    places.push(stdout.trim());
  }
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    if (directory !== '' && existsSync(join(directory, 'pg_ctl'))) places.push(directory);
  }
  places.push(...versionedPlaces('/usr/lib/postgresql', /^(\d+)$/));
  places.push(...versionedPlaces('/usr', /^pgsql-(\d+)$/));
  return places;
}

function versionedPlaces(parent: string, pattern: RegExp): string[] {
  if (!existsSync(parent)) return [];
  return readdirSync(parent)
    .map((name) => ({ name, major: Number(pattern.exec(name)?.[1] ?? 0) }))
    .filter(({ major }) => major >= OLDEST_MAJOR_VERSION)
    .sort((a, b) => b.major - a.major)
    .map(({ name }) => join(parent, name, 'bin'));
}

async function versionOf(binDirectory: string): Promise<string> {
  const { stdout } = await runCommand(join(binDirectory, 'postgres'), ['--version'], {
    timeoutMs: 10_000,
    env: programEnvironment(),
  });
  return /(\d+(\.\d+|devel|beta\d+|rc\d+)?)/.exec(stdout)?.[1] ?? '0';
}
