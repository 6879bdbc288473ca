import { parseArgs } from 'node:util';

export interface SuiteOptions {
  /** Parts of titles or of file names; all scenarios where there are none. */
  readonly patterns: readonly string[];
  /** With that many nodes only. */
  readonly nodes: number | undefined;
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

export const USAGE = `npm run test:faults -- [pattern...] [--store monitor|etcd] [--nodes 2|3] [--repeat N] [--slice] [--json] [--list] [--keep] [--logs]

  pattern      plays the scenarios with one of these words in their title
  --store S    where the decisions stand: monitor (that is the default), or etcd without a monitor
  --nodes N    with that many data nodes only
  --repeat N   all of them that many times; ends after the round with the first failure
  --slice      the selection for the CI
  --json       the outcomes as one line of JSON on stdout, all else on stderr
  --list       names the scenarios and plays none
  --logs       keeps the logs of every scenario, and not of those only that failed
  --keep       leaves the cluster of a scenario that failed as it is, until Ctrl-C
`;

/** Throws with what is wrong. */
export function parseOptions(argv: readonly string[]): SuiteOptions | 'help' {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      nodes: { type: 'string' },
      store: { type: 'string', default: 'monitor' },
      repeat: { type: 'string', default: '1' },
      slice: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      logs: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const { slice, json, list, keep, logs, store } = values;
  if (store !== 'monitor' && store !== 'etcd')
    throw new Error(`--store takes monitor or etcd, not "${store}"`);
  const nodes = values.nodes === undefined ? undefined : wholeNumber('--nodes', values.nodes);
  return {
    patterns: positionals,
    nodes,
    store,
    repeat: wholeNumber('--repeat', values.repeat),
    slice,
    json,
    list,
    keep,
    logs,
  };
}

function wholeNumber(option: string, text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`${option} takes a whole number, not "${text}"`);
  return Number(text);
}
