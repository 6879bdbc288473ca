import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep, startCountdown, waitFor, withTimeLimit } from './clock.ts';

test('a countdown runs on the clock that it is given', () => {
  let nowMs = 1_000;
  const countdown = startCountdown({ timeoutMs: 50 }, () => nowMs);
  assert.equal(countdown.remainingMs(), 50);
  nowMs += 30;
  assert.equal(countdown.remainingMs(), 20);
  countdown.check('the work');
  nowMs += 30;
  assert.equal(countdown.remainingMs(), 0);
  assert.throws(() => countdown.check('the work'), {
    code: 'BATON_TIMEOUT',
    message: /^the work took longer than 50 ms/,
  });
});

test('waiting ends with the first answer, also when that is false', async () => {
  let asked = 0;
  const answer = await waitFor('an answer', startCountdown({ timeoutMs: 5_000 }), 1, () =>
    (asked += 1) < 3 ? undefined : false,
  );
  assert.equal(answer, false);
  assert.equal(asked, 3);
});

test('waiting ends with the time', async () => {
  const never = waitFor('what never comes', startCountdown({ timeoutMs: 10 }), 1, () => undefined);
  await assert.rejects(never, { code: 'BATON_TIMEOUT', message: /what never comes/ });
});

test('sleep ends early when it is aborted', async () => {
  const abort = new AbortController();
  const slept = sleep(600_000, abort.signal);
  abort.abort();
  await slept;
  await sleep(600_000, abort.signal);
});

test('work keeps its result within the limit and loses it beyond', async () => {
  assert.equal(await withTimeLimit('quick work', { timeoutMs: 5_000 }, Promise.resolve(1)), 1);
  await assert.rejects(withTimeLimit('slow work', { timeoutMs: 5 }, new Promise(() => undefined)), {
    code: 'BATON_TIMEOUT',
  });
});
