import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatonError } from '../lib/baton-error.ts';
import { renderError } from './render-error.ts';

test('an error is laid out as psql does it', () => {
  const error = new BatonError('BATON_UNSAFE', 'no standby can take over now', {
    detail: 'All are silent.',
    hint: 'Start their keepers.',
  });
  assert.equal(
    renderError(error, { verbose: false }),
    'pgbaton: no standby can take over now\nDETAIL:  All are silent.\nHINT:  Start their keepers.\n',
  );
});

test('a fault of pgbaton asks to be reported', () => {
  const text = renderError(new BatonError('BATON_INTERNAL', 'x is undefined'), { verbose: false });
  assert.match(text, /^HINT: {2}This is a fault of pgbaton/m);
});

test('verbose shows the code and what lies beneath', () => {
  const error = new BatonError('BATON_TIMEOUT', 'too late', { cause: new Error('socket hang up') });
  const text = renderError(error, { verbose: true });
  assert.match(text, /^CODE: {2}BATON_TIMEOUT$/m);
  assert.match(text, /^caused by: Error: socket hang up/m);
});
