/**
 * Makes `dist/pgbaton.cjs`, which `bin/pgbaton` runs, the bundle behind it, and
 * that of the fencer.
 * One CommonJS file starts in two thirds of the time of ES modules and needs
 * 8 MB less: `import` of node:http reads all of its exports, and one of them
 * loads a whole HTTP client.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const dist = join(root, 'dist');
const launcherFile = join(dist, 'pgbaton.cjs');

/**
 * The compile cache does nothing for the file that switches it on, so a file of
 * two lines does it for the bundle. The cache lies beside the bundle and not in
 * Node's default folder below /tmp: code that root runs must not come from
 * where others can write.
 */
const LAUNCHER = `'use strict';
require('node:module').enableCompileCache(require('node:path').join(__dirname, 'compile-cache'));
require('./pgbaton-bundle.cjs');
`;

/** The fencer is a program of its own, so that it loads no more than it needs. */
const BUNDLES = [
  { source: 'src/programs/cli-main.ts', name: 'pgbaton-bundle.cjs' },
  { source: 'src/programs/fencer-main.ts', name: 'pgbaton-fencer.cjs' },
];

async function makeBundle(source: string, file: string): Promise<void> {
  const { warnings } = await build({
    absWorkingDir: root,
    entryPoints: [source],
    outfile: file,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    // `pg` asks for its native twin and goes on without it.
    external: ['pg-native'],
    // In a CommonJS file it would be undefined at run time, without a word.
    logOverride: { 'empty-import-meta': 'error' },
    // A third less to read at every start, 25 ms. Names stay, so that stack traces can be read;
    // with NODE_OPTIONS=--enable-source-maps they show the lines of the sources.
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 200,
    sourcemap: 'linked',
    legalComments: 'eof',
    logLevel: 'warning',
  });
  if (warnings.length > 0) throw new Error('esbuild has warned: see above');
}

/** A reader never sees half a file: a keeper may be started while this runs. */
function replace(file: string, write: (temporary: string) => void): void {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    write(temporary);
    renameSync(temporary, file);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** The first start after a build would otherwise have to compile everything. */
function fillCompileCache(): void {
  rmSync(join(dist, 'compile-cache'), { recursive: true, force: true });
  const { status, stderr } = spawnSync(process.execPath, [launcherFile, '--help'], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (status !== 0) throw new Error(`the bundle does not start: ${stderr}`);
}

mkdirSync(dist, { recursive: true });
const draft = join(dist, `draft-${process.pid}`);
try {
  for (const { source, name } of BUNDLES) {
    await makeBundle(source, join(draft, name));
    for (const file of [`${name}.map`, name]) renameSync(join(draft, file), join(dist, file));
  }
} finally {
  rmSync(draft, { recursive: true, force: true });
}
replace(launcherFile, (temporary) => writeFileSync(temporary, LAUNCHER));
fillCompileCache();
