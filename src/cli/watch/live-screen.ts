import type { Terminal } from '../cli-context.ts';

/** A screen of its own over the terminal; what was there before comes back at the end. */
export interface LiveScreen {
  /** Shows these lines; only those that differ from the present ones are written. */
  draw(lines: readonly string[]): void;
  /** Gives the terminal back. */
  close(): void;
}

const ENTER = '\x1b[?1049h\x1b[?25l\x1b[2J';
const LEAVE = '\x1b[?25h\x1b[?1049l';

/** Takes the terminal over; it is given back also when the process ends by an error. */
export function openLiveScreen(terminal: Terminal): LiveScreen {
  let shown: readonly string[] = [];
  let isOpen = true;
  terminal.write(ENTER);
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    for (const release of releases) release();
    terminal.write(LEAVE);
  };
  const releases = [
    terminal.onExit(close),
    terminal.onResize(() => {
      // What is on the screen after a change of its size is anybody's guess.
      shown = [];
      terminal.write('\x1b[2J');
    }),
  ];
  return {
    draw(lines) {
      if (!isOpen) return;
      const changes = lines.flatMap((line, index) =>
        line === shown[index] ? [] : [`\x1b[${index + 1};1H${line}\x1b[0m\x1b[K`],
      );
      if (changes.length > 0) terminal.write(changes.join(''));
      shown = lines;
    },
    close,
  };
}
