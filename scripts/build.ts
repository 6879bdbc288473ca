/**
 * Makes `dist/pgbaton.cjs`, which `bin/pgbaton` runs, and the program behind
 * it: CommonJS files, split where the sources import on demand, so that a
 * command reads 0.2 MB of code and not the 1.6 MB of all programs. CommonJS
 * starts in two thirds of the time of ES modules and needs 8 MB less: `import`
 * of node:http reads all of its exports, and one of them loads a whole HTTP client.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build, type BuildOptions } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const dist = join(root, 'dist');

/** What is started, and what of the program that runs. The fencer starts by itself, to load no more than it needs. */
const LAUNCHERS = { 'pgbaton.cjs': 'cli-main', 'pgbaton-fencer.cjs': 'fencer-main' } as const;
const launcherFile = join(dist, 'pgbaton.cjs');

const OPTIONS: BuildOptions = {
  absWorkingDir: root,
  platform: 'node',
  target: 'node24',
  outExtension: { '.js': '.cjs' },
  // Names stay, so that stack traces can be read; with NODE_OPTIONS=--enable-source-maps
  // they show the lines of the sources.
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 200,
  sourcemap: 'linked',
  legalComments: 'eof',
  logLevel: 'warning',
};

/**
 * The compile cache does nothing for the file that switches it on, so a file of
 * two lines does it for the program. The cache lies beside it and not in Node's
 * default folder below /tmp: code that root runs must not come from where others
 * can write.
 */
function launcherFor(folder: string, entry: string): string {
  return `'use strict';
require('node:module').enableCompileCache(require('node:path').join(__dirname, 'compile-cache'));
require('./${folder}/${entry}.cjs');
`;
}

/**
 * Two passes, because esbuild splits ES modules only. What it makes of an
 * `import()` of a CommonJS package has no names but `default`: a file of our own
 * imports the package, and that file is imported on demand.
 */
async function makeProgram(directory: string): Promise<void> {
  const modules = join(directory, 'modules');
  const split = await build({
    ...OPTIONS,
    entryPoints: Object.values(LAUNCHERS).map((entry) => `src/programs/${entry}.ts`),
    outdir: modules,
    bundle: true,
    splitting: true,
    format: 'esm',
    // `pg` asks for its native twin and goes on without it.
    external: ['pg-native'],
    // In a CommonJS file it would be undefined at run time, without a word.
    logOverride: { 'empty-import-meta': 'error' },
  });
  const converted = await build({
    ...OPTIONS,
    entryPoints: filesOf(modules, '.cjs'),
    outdir: directory,
    format: 'cjs',
    // `import()` becomes `require()`: it would look for an ES module.
    supported: { 'dynamic-import': false },
  });
  if (split.warnings.length + converted.warnings.length > 0) throw new Error('esbuild has warned: see above');
  rmSync(modules, { recursive: true });
}

/** Named by what is in it: a process that runs keeps the folder that it was started from. */
function nameOf(directory: string): string {
  const hash = createHash('sha256');
  for (const file of filesOf(directory, '.cjs')) hash.update(readFileSync(file));
  return `program-${hash.digest('hex').slice(0, 12)}`;
}

function filesOf(directory: string, ending: string): string[] {
  const names = readdirSync(directory).filter((name) => name.endsWith(ending));
  return names.toSorted().map((name) => join(directory, name));
}

/** A reader never sees half a file: a keeper may be started while this runs. */
function replace(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, text);
    renameSync(temporary, file);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Keeps the program of the launcher before this one too: somebody may be about to load a part of it. */
function removeOldPrograms(folder: string, before: string): void {
  for (const name of readdirSync(dist)) {
    const isOld = name.startsWith('program-') && name !== folder && !before.includes(name);
    // Until now the program was one file.
    if (isOld || name.startsWith('pgbaton-bundle')) rmSync(join(dist, name), { recursive: true });
  }
}

/** The first start after a build would otherwise have to compile everything. */
function fillCompileCache(): void {
  rmSync(join(dist, 'compile-cache'), { recursive: true, force: true });
  const { status, stderr } = spawnSync(process.execPath, [launcherFile, '--help'], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (status !== 0) throw new Error(`the program does not start: ${stderr}`);
}

mkdirSync(dist, { recursive: true });
const draft = join(dist, `draft-${process.pid}`);
const before = existsSync(launcherFile) ? readFileSync(launcherFile, 'utf8') : '';
let folder: string;
try {
  await makeProgram(draft);
  folder = nameOf(draft);
  if (!existsSync(join(dist, folder))) renameSync(draft, join(dist, folder));
} finally {
  rmSync(draft, { recursive: true, force: true });
}
for (const [name, entry] of Object.entries(LAUNCHERS)) replace(join(dist, name), launcherFor(folder, entry));
removeOldPrograms(folder, before);
fillCompileCache();
