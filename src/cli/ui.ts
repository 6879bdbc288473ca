import type { CliContext } from './cli-context.ts';

/** What every command takes. */
export interface GlobalOptions {
  readonly json?: true;
  readonly quiet?: true;
  readonly verbose?: true;
}

/** How one run of a command speaks: results on stdout, everything else on stderr. */
export interface Ui {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** The result, as text that ends with a line end. */
  print(text: string): void;
  printJson(value: unknown): void;
  /** The result, in the form that was asked for. */
  show(value: unknown, render: () => string): void;
  /** What happens, or what to do next; not with --quiet or --json. */
  note(sentence: string): void;
  /** Shows that something takes its time, from the moment that it takes long on. */
  progress(text: string): Progress;
}

export interface Progress {
  update(text: string): void;
  /** Takes the progress away; before anything else is printed. */
  stop(): void;
}

/** What ends sooner than this needs no word, ms. */
const PATIENCE_MS = 1_000;
const FRAME_MS = 100;
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'] as const;

export function createUi(context: Pick<CliContext, 'stdout' | 'stderr'>, options: GlobalOptions): Ui {
  const json = options.json === true;
  const quiet = options.quiet === true;
  const silent = json || quiet;
  const ui: Ui = {
    json,
    quiet,
    verbose: options.verbose === true,
    print: (text) => context.stdout.write(text),
    printJson: (value) => context.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`),
    show(value, render) {
      if (json) ui.printJson(value);
      else ui.print(render());
    },
    note(sentence) {
      if (!silent) context.stderr.write(`${sentence}\n`);
    },
    progress(text) {
      if (silent) return { update: () => undefined, stop: () => undefined };
      return context.stderr.isTerminal ? spin(context.stderr, text) : sayLines(context.stderr, text);
    },
  };
  return ui;
}

/** One line that turns and is taken away at the end. */
function spin(output: CliContext['stderr'], text: string): Progress {
  let shown = text;
  let frame = 0;
  const draw = (): void => {
    output.write(`\r${FRAMES[frame % FRAMES.length]} ${shown}\x1b[K`);
    frame += 1;
  };
  let turning: NodeJS.Timeout | undefined;
  const patience = setTimeout(() => {
    draw();
    turning = setInterval(draw, FRAME_MS);
  }, PATIENCE_MS);
  return {
    update: (next) => (shown = next),
    stop() {
      clearTimeout(patience);
      clearInterval(turning);
      if (frame > 0) output.write('\r\x1b[K');
      frame = 0;
    },
  };
}

/** A log keeps every line, so only what is new is said, and at most once a second. */
function sayLines(output: CliContext['stderr'], text: string): Progress {
  let shown = text;
  let said = '';
  const say = setInterval(() => {
    if (shown !== said) output.write(`${shown}\n`);
    said = shown;
  }, PATIENCE_MS);
  return { update: (next) => (shown = next), stop: () => clearInterval(say) };
}
