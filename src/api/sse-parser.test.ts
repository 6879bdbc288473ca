import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSseParser } from './sse-parser.ts';

test('messages are whole wherever the stream was cut', () => {
  const text = 'event: record\nid: x/7\ndata: {"a":1}\n\n: a comment\n\nevent: ping\ndata: {}\n\n';
  for (let cut = 1; cut < text.length; cut++) {
    const parser = createSseParser();
    const messages = [...parser.feed(text.slice(0, cut)), ...parser.feed(text.slice(cut))];
    assert.deepEqual(messages, [
      { event: 'record', data: '{"a":1}', id: 'x/7' },
      { event: 'ping', data: '{}', id: undefined },
    ]);
  }
});

test('data over several lines and carriage returns are read as the standard says', () => {
  assert.deepEqual(createSseParser().feed('data: one\r\ndata: two\r\n\r\n'), [
    { event: 'message', data: 'one\ntwo', id: undefined },
  ]);
});

test('a message without end does not fill the memory', () => {
  const parser = createSseParser();
  assert.throws(() => parser.feed(`data: ${'x'.repeat(17 * 1024 * 1024)}`), { code: 'BATON_REFUSED' });
});
