import { Command, Help, InvalidArgumentError, type Option } from 'commander';

/** Wrong usage, as `pgbaton` itself has it. */
const USAGE = 2;

/** A command of this repository's own: `--help` tells what it takes, and what is wrong is said in a sentence. */
export function newCommand(script: string, description: string): Command {
  return new Command(`npm run ${script} --`)
    .description(description)
    .allowExcessArguments(false)
    .configureHelp({ optionDescription: describe })
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : USAGE));
}

/** That a switch is off where nobody turns it on goes without saying. */
function describe(option: Option): string {
  return option.defaultValue === false ? option.description : new Help().optionDescription(option);
}

/** Ends the process with a sentence about what was asked for. */
export function refuse(command: Command, sentence: string): never {
  command.error(`error: ${sentence}`, { exitCode: USAGE });
}

/** Parses the value of an option that is a number from `min` on. */
export function wholeNumber(min = 0): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= min) return number;
    throw new InvalidArgumentError(`It has to be a whole number, at least ${min}.`);
  };
}

/** Parses the value of an option that is a length of time, in whatever unit; it need not be whole. */
export function duration(text: string): number {
  const number = Number(text);
  if (text.trim() !== '' && number > 0) return number;
  throw new InvalidArgumentError('It has to be a number above 0.');
}

/** Parses the value of an option that is a list of whole numbers from `min` on. */
export function wholeNumbers(min = 0): (text: string) => readonly number[] {
  return (text) => text.split(',').map(wholeNumber(min));
}

/** Parses the value of an option that is one of known words. */
export function oneOf<T extends string>(known: readonly T[]): (text: string) => T {
  return (text) => {
    const word = known.find((each) => each === text);
    if (word !== undefined) return word;
    throw new InvalidArgumentError(`It has to be ${known.join(' or ')}.`);
  };
}

/** Parses the value of an option that is a list of known names. */
export function listOf(what: string, known: readonly string[]): (text: string) => readonly string[] {
  return (text) => {
    const names = text.split(',').filter((name) => name !== '');
    const strange = names.find((name) => !known.includes(name));
    if (strange === undefined) return names;
    throw new InvalidArgumentError(`There is no ${what} "${strange}"; there are ${known.join(', ')}.`);
  };
}
