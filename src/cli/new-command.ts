import { Command } from 'commander';
import type { CliContext } from './cli-context.ts';
import { EXIT } from './exit-codes.ts';
import { createUi, type GlobalOptions, type Ui } from './ui.ts';

/** One run of a command. */
export interface Invocation<Options> {
  readonly options: Options;
  /** The words that are no options, in order; undefined for those that were left out. */
  readonly words: readonly (string | undefined)[];
  readonly ui: Ui;
}

/** A command; `examples` are shown below its help and in the reference. */
export function newCommand(name: string, summary: string, ...examples: readonly string[]): Command {
  const command = new Command(name).description(summary);
  const lines = examples.map((example) => `  ${example}\n`).join('');
  if (lines !== '')
    command.addHelpText('after', `\n${examples.length > 1 ? 'Examples' : 'Example'}:\n${lines}`);
  exampleLines.set(command, examples);
  return command;
}

/** The examples that a command was made with. */
export function examplesOf(command: Command): readonly string[] {
  return exampleLines.get(command) ?? [];
}

const exampleLines = new WeakMap<Command, readonly string[]>();

/** What a command ends with when it throws nothing. */
export interface Outcome {
  exitCode: number;
}

/** Lets a command do `work`. What it returns is the exit code; nothing: done. */
export type Act = <Options>(
  work: (invocation: Invocation<Options>) => Promise<number | void>,
) => (...given: unknown[]) => Promise<void>;

/** Commander hands over the words, then the options, then the command. */
export function createAct(context: CliContext, outcome: Outcome): Act {
  return (work) =>
    async (...given) => {
      const command = given.at(-1) as Command;
      // Global options may stand before the verb as well: `pgbaton -q show systemd`.
      const options = command.optsWithGlobals();
      const words = given.slice(0, -2).flat() as (string | undefined)[];
      const ui = createUi(context, options as GlobalOptions);
      outcome.exitCode = (await work({ options: options as never, words, ui })) ?? EXIT.done;
    };
}
