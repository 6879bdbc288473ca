import assert from 'node:assert/strict';
import { test } from 'node:test';
import { otherParts, replacePart } from './document-part.ts';

test('a new part goes to the end, and is replaced in its place after that', () => {
  const first = replacePart('# Title\n', 'a', 'one');
  const both = replacePart(first, 'b', 'two');
  const changed = replacePart(both, 'a', 'three');
  assert.equal(changed, both.replace('one', 'three'));
});

test('who writes the rest of a document can take the parts of the others along', () => {
  const document = replacePart('# Title\n\nold\n', 'a', 'one');
  const written = `# Title\n\nnew\n\n${otherParts(document)}\n`;
  assert.equal(written, document.replace('old', 'new'));
});
