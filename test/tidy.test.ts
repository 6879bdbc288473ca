/** The house rules that no other tool checks, as data and short loops. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, resolve } from 'node:path';
import { test } from 'node:test';
import { ERROR_CODES } from '../src/lib/baton-error.ts';

const root = resolve(import.meta.dirname, '..');

/** Which folders of src/ a folder may import from, besides itself. Nothing may import from programs. */
const ALLOWED_IMPORTS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  lib: [],
  system: ['lib'],
  config: ['lib'],
  telemetry: ['lib'],
  postgres: ['core', 'lib', 'system'],
  store: ['core', 'lib', 'system'],
  api: ['core', 'lib', 'telemetry'],
  routing: ['core', 'lib', 'system', 'api'],
  fencer: ['core', 'lib', 'system', 'postgres'],
  deciding: ['core', 'store', 'api', 'telemetry', 'lib'],
  keeper: [
    'core',
    'store',
    'postgres',
    'fencer',
    'system',
    'routing',
    'api',
    'telemetry',
    'lib',
    'config',
    'deciding',
  ],
  monitor: ['core', 'store', 'api', 'telemetry', 'lib', 'config', 'system', 'deciding'],
  cli: ['api', 'config', 'core', 'lib'],
  programs: [
    'api',
    'cli',
    'config',
    'core',
    'deciding',
    'fencer',
    'keeper',
    'lib',
    'monitor',
    'postgres',
    'routing',
    'store',
    'system',
    'telemetry',
  ],
};

const LINES_MAX = 400;

const sources = find('{src,test,scripts,bench,sim}/**/*.ts');
const programSources = find('src/**/*.ts').filter((file) => !file.endsWith('.test.ts'));
const documents = find('{*.md,docs/**/*.md}');

test('imports follow the arrows between the folders of src', () => {
  const offences: string[] = [];
  for (const file of programSources) {
    const folder = folderOf(file);
    for (const target of importsOf(file).filter((specifier) => specifier.startsWith('.'))) {
      const to = folderOf(normalize(join(dirname(file), target)));
      if (to !== folder && !ALLOWED_IMPORTS[folder]?.includes(to)) offences.push(`${file} imports ${target}`);
    }
  }
  assert.deepEqual(offences, []);
});

test('every folder of src has a row in the table of allowed imports', () => {
  const folders = [...new Set(programSources.map(folderOf))];
  assert.deepEqual(
    folders.filter((folder) => !(folder in ALLOWED_IMPORTS)),
    [],
  );
});

test('the core imports nothing but the core', () => {
  const offences = programSources
    .filter((file) => folderOf(file) === 'core')
    .flatMap((file) => importsOf(file).map((target) => ({ file, target })))
    .filter(({ target }) => !target.startsWith('./'));
  assert.deepEqual(offences, []);
});

test('zod is only imported as zod/mini, because zod itself costs 10 MB', () => {
  const offences = sources.filter((file) => importsOf(file).includes('zod'));
  assert.deepEqual(offences, []);
});

test('no package is imported on demand, because its names would be missing in the built program', () => {
  const onDemand = /\bawait import\('(?!\.|node:)/;
  const offences = sources.filter((file) => file.startsWith('src/') && onDemand.test(read(file)));
  assert.deepEqual(offences, []);
});

test(`no file is longer than ${LINES_MAX} lines`, () => {
  const offences = sources
    .filter((file) => !file.endsWith('_pb.ts'))
    .map((file) => ({ file, lines: read(file).trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > LINES_MAX);
  assert.deepEqual(offences, []);
});

test('what is still to be done names its issue', () => {
  // Written in two parts, so that this file does not find itself.
  const words = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'].join('|')})\\b(?! ?\\(#\\d+\\))`);
  const offences = sources.filter((file) => words.test(read(file)));
  assert.deepEqual(offences, []);
});

test('every error code is documented, and every documented code exists', () => {
  const documented = [...read('docs/reference/errors.md').matchAll(/^(?:#+|\|)\s*`?(BATON_[A-Z_]+)`?/gm)].map(
    ([, code = '']) => code,
  );
  assert.deepEqual(new Set(documented), new Set<string>(ERROR_CODES));
});

test('the changelog has a place for what is not released', () => {
  assert.match(read('CHANGELOG.md'), /^## Unreleased$/m);
});

test('every package that the project depends on has a line that says why', () => {
  const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string> | undefined>;
  const packages = ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((kind) =>
    Object.keys(manifest[kind] ?? {}),
  );
  const explained = [...read('docs/dependencies.md').matchAll(/^\| `([^`]+)`/gm)].map(
    ([, name = '']) => name,
  );
  assert.deepEqual(new Set(explained), new Set(packages));
});

test('every link between the documents leads somewhere', () => {
  const offences: string[] = [];
  for (const file of documents) {
    for (const [, target = ''] of withoutCode(read(file)).matchAll(/\]\(([^)\s]+)\)/g)) {
      const path = target.split('#')[0] ?? '';
      if (path === '' || /^[a-z]+:/.test(path)) continue;
      if (!existsSync(join(root, dirname(file), decodeURI(path)))) offences.push(`${file} → ${target}`);
    }
  }
  assert.deepEqual(offences, []);
});

test('every test that the invariants and the list of bugs name exists', () => {
  const named = [
    ...`${read('docs/invariants.md')}${read('docs/verification.md')}`.matchAll(
      /\]\(\.\.\/([^)]+)\): "([^"]+)"/g,
    ),
  ];
  const offences = named
    .map(([, file = '', title = '']) => ({ file, title }))
    .filter(({ file, title }) => !read(file).includes(`'${title}'`));
  assert.notEqual(named.length, 0);
  assert.deepEqual(offences, []);
});

test('no file names a folder of the machine it was written on', () => {
  const home = /(?<![\w./-])\/(?:work|home\/(?!postgres)[a-z]+|root|Users)\//;
  const offences = [...sources, ...documents, ...find('{scripts/*,bin/*,.ci/*,*.json}')].filter((file) =>
    home.test(read(file)),
  );
  assert.deepEqual(
    offences.filter((file) => file !== 'test/tidy.test.ts'),
    [],
  );
});

function find(pattern: string): readonly string[] {
  return globSync(pattern, { cwd: root, exclude: ['**/node_modules/**', 'dist/**'] }).sort();
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/** `core` of `src/core/decide.ts`. */
function folderOf(file: string): string {
  return file.split('/')[1] ?? '';
}

/** What a file imports or re-exports, static and dynamic, types included. */
function importsOf(file: string): readonly string[] {
  const statements = /(?:\bfrom\s*|\bimport\s*\(\s*|^import\s+)'([^']+)'/gm;
  return [...read(file).matchAll(statements)].map(([, target = '']) => target);
}

function withoutCode(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '');
}
