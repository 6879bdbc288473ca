import {
  closeSync,
  fchownSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import type * as z from 'zod/mini';
import { BatonError } from '../lib/baton-error.ts';
import { camelKeys, type CamelKeys } from '../lib/camel-keys.ts';
import { editConfigText, parseConfigText, readConfigKey, renderConfigText } from './config-text.ts';

/** One kind of `pgbaton.yaml`. */
export interface ConfigKind<Schema extends z.ZodMiniType> {
  readonly schema: Schema;
  /** The comment at the top of a new file. */
  readonly title: string;
  /** What each dotted key means: the comments of a new file and the reference. */
  readonly comments: Readonly<Record<string, string>>;
}

/**
 * Reads and checks a file; what it leaves out gets its default. Throws
 * BATON_CONFIG_INVALID naming file, line and key, also when there is no such
 * file.
 */
export function readConfig<Schema extends z.ZodMiniType>(
  kind: ConfigKind<Schema>,
  file: string,
): CamelKeys<z.output<Schema>> {
  return camelKeys(parseConfigText(kind, readText(file), file));
}

/** Writes a new file, each key with its comment; `value` in camelCase. */
export function writeConfig<Schema extends z.ZodMiniType>(
  kind: ConfigKind<Schema>,
  file: string,
  value: CamelKeys<z.output<Schema>>,
): void {
  replaceFile(file, renderConfigText(kind, value, file));
}

/** The value of a dotted key such as `postgres.port`, defaults included. Throws BATON_USAGE for an unknown key. */
export function getConfigKey(kind: ConfigKind<z.ZodMiniType>, file: string, key: string): unknown {
  return readConfigKey(kind, readText(file), file, key);
}

/**
 * Changes one dotted key and keeps everything else, comments included. `text`
 * is read as YAML (`5433`, `null`, `"5433"`). Nothing is written when the
 * result would not be valid: BATON_CONFIG_INVALID; an unknown key: BATON_USAGE.
 */
export function setConfigKey(
  kind: ConfigKind<z.ZodMiniType>,
  file: string,
  key: string,
  text: string,
): unknown {
  const edited = editConfigText(kind, readText(file), file, { key, text });
  replaceFile(file, edited);
  return readConfigKey(kind, edited, file, key);
}

/** As {@link setConfigKey} for several keys, which change all together or not at all. */
export function setConfigKeys(
  kind: ConfigKind<z.ZodMiniType>,
  file: string,
  changes: readonly { readonly key: string; readonly text: string }[],
): void {
  const edited = changes.reduce((text, change) => editConfigText(kind, text, file, change), readText(file));
  replaceFile(file, edited);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new BatonError('BATON_CONFIG_INVALID', `could not read the configuration file "${file}"`, {
      detail: error instanceof Error ? `${error.message}.` : undefined,
      hint: missing
        ? 'Is PGDATA (or --pgdata) right? "pgbaton create monitor" and "pgbaton create postgres" make this file.'
        : 'Run pgbaton as the user who owns the file.',
      cause: error,
    });
  }
}

function replaceFile(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    const descriptor = openSync(temporary, 'w', 0o600);
    try {
      keepOwner(descriptor, file);
      writeSync(descriptor, text);
      // Renamed before its blocks are on disk, the file could be empty after a power cut.
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, file);
  } catch (error) {
    throw new BatonError('BATON_CONFIG_INVALID', `could not write the configuration file "${file}"`, {
      detail: error instanceof Error ? `${error.message}.` : undefined,
      cause: error,
    });
  }
}

/** Root may change a file that a keeper or monitor without root's rights has to read again. */
function keepOwner(descriptor: number, file: string): void {
  const present = process.getuid?.() === 0 ? statSync(file, { throwIfNoEntry: false }) : undefined;
  if (present !== undefined) fchownSync(descriptor, present.uid, present.gid);
}
