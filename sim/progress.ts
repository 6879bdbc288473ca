/** A line on the terminal that tells how far something is; nothing where nobody watches. */
export interface Progress {
  show(text: string): void;
  /** Takes the line away, before anything else is printed. */
  clear(): void;
}

/** How often the line changes at most, ms. */
const EVERY_MS = 200;

export function createProgress(terminal: NodeJS.WriteStream = process.stderr): Progress {
  let shownAtMs = -Infinity;
  let isShown = false;
  return {
    show(text) {
      if (!terminal.isTTY || performance.now() - shownAtMs < EVERY_MS) return;
      shownAtMs = performance.now();
      isShown = true;
      terminal.write(`\r\u001b[K${text.slice(0, terminal.columns - 1)}`);
    },
    clear() {
      if (isShown) terminal.write('\r\u001b[K');
      isShown = false;
    },
  };
}
