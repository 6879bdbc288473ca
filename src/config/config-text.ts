import { Document, isMap, isNode, isScalar, LineCounter, parse, parseDocument, YAMLMap } from 'yaml';
import type * as z from 'zod/mini';
import { BatonError } from '../lib/baton-error.ts';
import { snakeKeys } from '../lib/camel-keys.ts';
import { closestWord } from '../lib/closest-word.ts';
import { describeIssue, formatPath, type Issue } from '../lib/describe-issue.ts';
import type { ConfigKind } from './config-file.ts';

/** One fault of a file, for people. */
interface Fault {
  readonly line: number;
  readonly sentence: string;
}

/** Parses and checks the text of a file. Throws BATON_CONFIG_INVALID with the line of every fault. */
export function parseConfigText<Schema extends z.ZodMiniType>(
  kind: ConfigKind<Schema>,
  text: string,
  file: string,
): z.output<Schema> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw toError(
      file,
      document.errors.map((error) => ({
        line: lines.linePos(error.pos[0]).line,
        sentence: firstLine(error.message),
      })),
    );
  }
  const parsed = kind.schema.safeParse(document.toJS() ?? {});
  if (parsed.success) return parsed.data;
  throw toError(
    file,
    parsed.error.issues.flatMap((issue) => toFaults(issue, kind, document, lines)),
  );
}

/** The value of a dotted key with defaults. Throws BATON_USAGE for a key that the kind of file does not have. */
export function readConfigKey(
  kind: ConfigKind<z.ZodMiniType>,
  text: string,
  file: string,
  key: string,
): unknown {
  checkKey(kind, key);
  let value: unknown = parseConfigText(kind, text, file);
  for (const step of key.split('.')) value = (value as Record<string, unknown> | undefined)?.[step];
  return value;
}

/** The text with one dotted key changed and checked; comments and order stay. */
export function editConfigText(
  kind: ConfigKind<z.ZodMiniType>,
  text: string,
  file: string,
  change: { readonly key: string; readonly text: string },
): string {
  checkKey(kind, change.key);
  parseConfigText(kind, text, file);
  const document = parseDocument(text);
  const before = document.getIn(change.key.split('.'), true);
  const value: unknown = parseValue(change);
  if (isScalar(before)) before.value = value;
  else document.setIn(change.key.split('.'), value);
  const edited = document.toString({ lineWidth: 0 });
  parseConfigText(kind, edited, file);
  return edited;
}

/** A new file: every key in the order of the schema, with its comment. `value` is in camelCase. */
export function renderConfigText(kind: ConfigKind<z.ZodMiniType>, value: unknown, file: string): string {
  const document = new Document(snakeKeys(value));
  document.commentBefore = ` ${kind.title}`;
  if (isMap(document.contents)) addComments(document.contents, kind.comments, '');
  const text = document.toString({ lineWidth: 0 });
  parseConfigText(kind, text, file);
  return text;
}

function addComments(map: YAMLMap, comments: Readonly<Record<string, string>>, prefix: string): void {
  for (const pair of map.items) {
    const key = `${prefix}${String(isScalar(pair.key) ? pair.key.value : pair.key)}`;
    const comment = comments[key];
    if (comment !== undefined && isNode(pair.key)) pair.key.commentBefore = ` ${comment}`;
    if (isMap(pair.value)) addComments(pair.value, comments, `${key}.`);
  }
}

function checkKey(kind: ConfigKind<z.ZodMiniType>, key: string): void {
  const keys = Object.keys(kind.comments);
  if (keys.includes(key)) return;
  const inside = keys.filter((known) => known.startsWith(`${key}.`));
  const near = closestWord(key, keys);
  throw new BatonError('BATON_USAGE', `the configuration has no key "${key}"`, {
    hint:
      inside.length > 0
        ? `It is a section: name one of ${inside.join(', ')}.`
        : near === undefined
          ? `Known keys are ${keys.join(', ')}.`
          : `Did you mean "${near}"?`,
  });
}

function parseValue(change: { readonly key: string; readonly text: string }): unknown {
  try {
    const value: unknown = parse(change.text);
    // `*` is YAML's alias sign and `:` begins a map: such values are meant as text.
    return typeof value === 'object' && value !== null ? change.text : value;
  } catch {
    return change.text;
  }
}

function toFaults(
  issue: Issue,
  kind: ConfigKind<z.ZodMiniType>,
  document: ReturnType<typeof parseDocument>,
  lines: LineCounter,
): readonly Fault[] {
  if (issue.code === 'unrecognized_keys') {
    return (issue.keys ?? []).map((key) => {
      const path = [...issue.path, key];
      const siblings = Object.keys(kind.comments)
        .filter((known) => known.startsWith([...issue.path, ''].join('.')))
        .map((known) => known.split('.')[issue.path.length] ?? '');
      const near = closestWord(key, siblings);
      const meant = near === undefined ? '' : ` (did you mean "${near}"?)`;
      return { line: lineOf(path, document, lines), sentence: `unknown key "${formatPath(path)}"${meant}` };
    });
  }
  const missing = document.getIn(issue.path) === undefined && issue.path.length > 0;
  const sentence = missing
    ? `the key "${formatPath(issue.path)}" is missing`
    : `"${formatPath(issue.path, 'the file')}" ${describeIssue(issue)}`;
  return [{ line: lineOf(issue.path, document, lines), sentence }];
}

/** The line of a key; of the nearest section around it when it is missing. */
function lineOf(
  path: readonly PropertyKey[],
  document: ReturnType<typeof parseDocument>,
  lines: LineCounter,
): number {
  for (let length = path.length; length > 0; length--) {
    const parent: unknown =
      length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    if (!isMap(parent)) continue;
    const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === path[length - 1]);
    if (isNode(pair?.key) && pair.key.range) return lines.linePos(pair.key.range[0]).line;
  }
  return 1;
}

function toError(file: string, faults: readonly Fault[]): BatonError {
  const [first, ...others] = faults.map(({ line, sentence }) => `line ${line}: ${sentence}`);
  return new BatonError('BATON_CONFIG_INVALID', `"${file}", ${first ?? 'not valid'}`, {
    detail: others.length === 0 ? undefined : `${others.join('; ')}.`,
    hint: 'Correct the file, or change single keys with "pgbaton config set".',
  });
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').replace(/:$/, '').toLowerCase();
}
