import { Argument, type Command } from 'commander';
import type { SettingsPatchBody } from '../api/schemas.ts';
import type { CliContext } from './cli-context.ts';
import { formationOf, withConnection } from './connect-monitor.ts';
import { newCommand, type Act } from './new-command.ts';
import { parseCount, withFormation, type MonitorOptions } from './options.ts';

type Options = MonitorOptions & { readonly formation?: string };

/** A policy of a formation that is one setting. */
interface Policy {
  readonly name: string;
  readonly key: keyof SettingsPatchBody;
  readonly about: string;
  /** The words that it may be; absent: it is a number. */
  readonly words?: readonly string[];
  readonly example: string;
}

const POLICIES: readonly Policy[] = [
  {
    name: 'durability',
    key: 'durability',
    about: 'whether commits wait for a quorum of standbys, or (async) for nobody',
    words: ['quorum', 'async'],
    example: 'async',
  },
  {
    name: 'maximum-lag-on-failover',
    key: 'maximum_lag_on_failover',
    about: 'how many bytes of WAL an automatic failover of an async group may lose',
    example: '1048576',
  },
  {
    name: 'reads',
    key: 'reads',
    about:
      'whether an old primary may answer readers for some seconds (fast), or not beside a new one (strict)',
    words: ['fast', 'strict'],
    example: 'strict',
  },
  {
    name: 'lease-ms',
    key: 'lease_ms',
    about: 'how long the lease of a primary lasts, where durability or reads need one',
    example: '6000',
  },
  {
    name: 'detection-ms',
    key: 'detection_ms',
    about: 'for how long a node may be silent before it counts as lost',
    example: '3000',
  },
  {
    name: 'hang-ms',
    key: 'hang_ms',
    about: 'how long a primary that hangs is waited for while something speaks for its life',
    example: '15000',
  },
  {
    name: 'on-crash',
    key: 'on_crash',
    about: 'what follows the crash of a primary: another node takes over (failover), or it is started again',
    words: ['failover', 'restart'],
    example: 'restart',
  },
  {
    name: 'fencing',
    key: 'fencing',
    about: 'whether a small process ends the PostgreSQL of a primary whose keeper hangs',
    words: ['off', 'on'],
    example: 'on',
  },
];

/** `pgbaton get formation durability` and the like. */
export function getPolicyCommands(context: CliContext, act: Act): readonly Command[] {
  return POLICIES.map(({ name, key, about }) => {
    const command = newCommand(name, `show ${about}`, `pgbaton get formation ${name}`);
    return withFormation(command).action(
      act<Options>(async ({ options, ui }) => {
        await withConnection(context, options, async ({ client, local }) => {
          const { [key]: value } = await client.getSettings(formationOf(options, local));
          ui.show({ [name]: value }, () => `${value}\n`);
        });
      }),
    );
  });
}

/** `pgbaton set formation durability <policy>` and the like. */
export function setPolicyCommands(context: CliContext, act: Act): readonly Command[] {
  return POLICIES.map(({ name, key, about, words: known, example }) => {
    const command = newCommand(name, `set ${about}`, `pgbaton set formation ${name} ${example}`);
    const argument =
      known === undefined
        ? new Argument('<number>', 'the new value').argParser(parseCount)
        : new Argument('<policy>', 'the new value').choices(known);
    return withFormation(command)
      .addArgument(argument)
      .action(
        act<Options>(async ({ options, words: [value], ui }) => {
          await withConnection(context, options, async ({ client, local }) => {
            const accepted = await client.updateSettings(formationOf(options, local), { [key]: value });
            ui.show({ [name]: value }, () => `${value}\n`);
            ui.note(`Done: ${accepted.because}.`);
          });
        }),
      );
  });
}
