import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Terminal } from '../cli-context.ts';
import { openLiveScreen } from './live-screen.ts';

function aTerminal() {
  const state = { text: '', exit: (): void => undefined, resize: (): void => undefined };
  const terminal: Terminal = {
    columns: 80,
    rows: 24,
    write: (text) => void (state.text += text),
    onKey: () => () => undefined,
    onResize: (listener) => ((state.resize = listener), () => undefined),
    onExit: (listener) => ((state.exit = listener), () => undefined),
  };
  const take = (): string => {
    const { text } = state;
    state.text = '';
    return text;
  };
  return { terminal, state, take };
}

test('only the lines that have changed are written', () => {
  const { terminal, take } = aTerminal();
  const screen = openLiveScreen(terminal);
  take();
  screen.draw(['one', 'two']);
  assert.match(take(), /one.*two/s);
  screen.draw(['one', 'three']);
  const text = take();
  assert.match(text, /\[2;1Hthree/);
  assert.doesNotMatch(text, /one/);
  screen.draw(['one', 'three']);
  assert.equal(take(), '');
});

test('after a change of its size the whole screen is drawn anew', () => {
  const { terminal, state, take } = aTerminal();
  const screen = openLiveScreen(terminal);
  screen.draw(['one']);
  state.resize();
  take();
  screen.draw(['one']);
  assert.match(take(), /one/);
});

test('the terminal is given back once, also when the process ends in the middle', () => {
  const { terminal, state, take } = aTerminal();
  const screen = openLiveScreen(terminal);
  take();
  state.exit();
  assert.equal(take(), '\x1b[?25h\x1b[?1049l');
  screen.close();
  screen.draw(['too late']);
  assert.equal(take(), '');
});
