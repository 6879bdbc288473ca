/** The part of a zod issue that a sentence for people is made from. */
export interface Issue {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly expected?: unknown;
  readonly minimum?: unknown;
  readonly maximum?: unknown;
  readonly values?: readonly unknown[] | undefined;
  readonly keys?: readonly string[] | undefined;
  readonly origin?: unknown;
  readonly pattern?: string | undefined;
}

/** `nodes[0].port`: the way to a value in a document; `fallback` for the document itself. */
export function formatPath(path: readonly PropertyKey[], fallback = 'the document'): string {
  const text = path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .replace(/^\./, '');
  return text === '' ? fallback : text;
}

/**
 * Says what is wrong with a value, without its path: `must be at most 100`.
 * zod/mini has no messages of its own (they cost memory), and a message given
 * in the schema is used as it is.
 */
export function describeIssue(issue: Issue): string {
  if (issue.message !== 'Invalid input') return issue.message;
  switch (issue.code ?? '') {
    case 'invalid_type':
      return `must be ${article(expectedType(issue))}`;
    case 'too_small':
      return issue.origin === 'string' ? 'must not be empty' : `must be at least ${String(issue.minimum)}`;
    case 'too_big':
      return issue.origin === 'string'
        ? `must have at most ${String(issue.maximum)} characters`
        : `must be at most ${String(issue.maximum)}`;
    case 'invalid_value':
      return `must be ${(issue.values ?? []).map((value) => JSON.stringify(value)).join(' or ')}`;
    case 'unrecognized_keys':
      return `has an unknown key: ${(issue.keys ?? []).join(', ')}`;
    case 'invalid_format':
      return `does not match ${issue.pattern ?? 'the expected format'}`;
    default:
      return 'is not valid';
  }
}

function expectedType(issue: Issue): string {
  return issue.expected === 'int' ? 'whole number' : String(issue.expected);
}

function article(noun: string): string {
  return `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;
}
