import { Argument, type Command } from 'commander';
import type { NodeView, UpdateNodeBody } from '../api/schemas.ts';
import type { CliContext } from './cli-context.ts';
import { addressOfNode, nodeNameOf, withConnection } from './connect-monitor.ts';
import { findNodeByName } from './find-node.ts';
import { newCommand, type Act } from './new-command.ts';
import { parseBoolean, parsePriority, withNode, type NodeOptions } from './options.ts';

/** One thing that is set for a node alone. */
interface NodePolicy {
  readonly name: 'candidate-priority' | 'replication-quorum';
  readonly meaning: string;
  readonly argument: () => Argument;
  read(node: NodeView): number | boolean;
  toChange(value: number | boolean): UpdateNodeBody;
}

const POLICIES: readonly NodePolicy[] = [
  {
    name: 'candidate-priority',
    meaning: 'how much a node is preferred as the next primary: 0 (never promoted) to 100',
    argument: () => new Argument('<priority>', '0 to 100').argParser(parsePriority),
    read: (node) => node.candidate_priority,
    toChange: (value) => ({ candidate_priority: Number(value) }),
  },
  {
    name: 'replication-quorum',
    meaning: 'whether commits may stand on a node',
    argument: () => new Argument('<boolean>', 'true or false').argParser(parseBoolean),
    read: (node) => node.replication_quorum,
    toChange: (value) => ({ replication_quorum: value === true }),
  },
];

/** `pgbaton get node candidate-priority|replication-quorum`. */
export function getNodePolicyCommands(context: CliContext, act: Act): readonly Command[] {
  return POLICIES.map((policy) =>
    withNode(
      newCommand(policy.name, `show ${policy.meaning}`, `pgbaton get node ${policy.name} --name node2`),
    ).action(
      act<NodeOptions>(async ({ options, ui }) => {
        await withConnection(context, options, async (connection) => {
          const name = await nodeNameOf(options, connection);
          const address = addressOfNode(options, connection);
          const node = findNodeByName(await connection.client.getGroup(address), name, address);
          const value = policy.read(node);
          ui.show({ name: node.name, [policy.name]: value }, () => `${value}\n`);
        });
      }),
    ),
  );
}

/** `pgbaton set node candidate-priority|replication-quorum <value>`. */
export function setNodePolicyCommands(context: CliContext, act: Act): readonly Command[] {
  return POLICIES.map((policy) => {
    const example = `pgbaton set node ${policy.name} ${policy.name === 'candidate-priority' ? '0' : 'false'} --name node2`;
    return withNode(newCommand(policy.name, `set ${policy.meaning}`, example))
      .addArgument(policy.argument())
      .action(
        act<NodeOptions>(async ({ options, words, ui }) => {
          // The parser of the argument has made it what it is to be.
          const value = words[0] as unknown as number | boolean;
          await withConnection(context, options, async (connection) => {
            const name = await nodeNameOf(options, connection);
            const formation = addressOfNode(options, connection).formation;
            const accepted = await connection.client.updateNode(formation, name, policy.toChange(value));
            ui.show({ name, [policy.name]: value }, () => `${value}\n`);
            ui.note(`Done: ${accepted.because}.`);
          });
        }),
      );
  });
}
