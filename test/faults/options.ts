import { newCommand, oneOf, wholeNumber } from '../../scripts/command-line.ts';

export interface SuiteOptions {
  /** Parts of titles or of file names; all scenarios where there are none. */
  readonly patterns: readonly string[];
  /** With that many nodes only. */
  readonly nodes?: number;
  /** Where the decisions stand. */
  readonly store: 'monitor' | 'etcd';
  readonly repeat: number;
  readonly slice: boolean;
  readonly json: boolean;
  readonly list: boolean;
  /** Leaves the cluster of a scenario that failed as it is, until Ctrl-C. */
  readonly keep: boolean;
  /** Keeps the logs of every scenario, and not of those only that failed. */
  readonly logs: boolean;
}

/** Reads the command line; what is wrong with it, and `--help`, end the process. */
export function parseOptions(argv: readonly string[]): SuiteOptions {
  const command = newCommand(
    'test:faults',
    'Plays faults on real servers, each of which has a host of its own on this machine.',
  )
    .argument('[patterns...]', 'the scenarios with one of these in their title; all without')
    .option('--store <home>', 'where the decisions stand', oneOf(['monitor', 'etcd']), 'monitor')
    .option('--nodes <count>', 'with that many data nodes only', wholeNumber(2))
    .option(
      '--repeat <count>',
      'so many rounds; ends after the one with the first failure',
      wholeNumber(1),
      1,
    )
    .option('--slice', 'the selection for the CI', false)
    .option('--list', 'name the scenarios and play none', false)
    .option('--logs', 'keep the logs of every scenario, and not of those only that failed', false)
    .option('--keep', 'leave the cluster of a scenario that failed as it is, until Ctrl-C', false)
    .option('--json', 'print one line for programs; all else goes to stderr', false)
    .parse(argv, { from: 'user' });
  return { ...command.opts<Omit<SuiteOptions, 'patterns'>>(), patterns: command.args };
}
