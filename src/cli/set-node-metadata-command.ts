import type { Command } from 'commander';
import { BatonError } from '../lib/baton-error.ts';
import type { CliContext } from './cli-context.ts';
import { addressOfNode, nodeNameOf, withConnection } from './connect-monitor.ts';
import { newCommand, type Act } from './new-command.ts';
import { parseName, parsePort, withFormation, type NodeOptions } from './options.ts';

interface Options extends NodeOptions {
  readonly rename?: string;
  readonly hostname?: string;
  readonly pgport?: number;
}

/** `pgbaton set node metadata`: a new name or address of a node. */
export function setNodeMetadataCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'metadata',
    'change the name, the host name or the port under which a node is known',
    'pgbaton set node metadata --hostname db2.example.org',
    'pgbaton set node metadata --name node2 --rename berlin',
  );
  return withFormation(command)
    .option(
      '--name <name>',
      'which node; on the node itself (with --pgdata or PGDATA): its new name',
      parseName,
    )
    .option('--rename <name>', 'its new name', parseName)
    .option('--hostname <host>', 'host name or address under which the others reach it')
    .option('--pgport <port>', 'port of its PostgreSQL', parsePort)
    .action(
      act<Options>(async ({ options, ui }) => {
        await withConnection(context, options, async (connection) => {
          const { node, rename } = await whichNode(options, connection);
          const changes = {
            ...(rename === undefined ? {} : { name: rename }),
            ...(options.hostname === undefined ? {} : { host: options.hostname }),
            ...(options.pgport === undefined ? {} : { port: options.pgport }),
          };
          if (Object.keys(changes).length === 0) {
            throw new BatonError('BATON_USAGE', 'nothing is to be changed', {
              hint: 'Give --rename, --hostname or --pgport.',
            });
          }
          const { formation } = addressOfNode(options, connection);
          const accepted = await connection.client.updateNode(formation, node, changes);
          ui.show({ node, ...changes }, () => `${accepted.because}\n`);
        });
      }),
    );
}

/**
 * On a node, `--name` is its new name, as operators of pg_auto_failover know
 * it; elsewhere, or beside --rename, it says which node is meant.
 */
async function whichNode(
  options: Options,
  connection: Parameters<typeof nodeNameOf>[1],
): Promise<{ readonly node: string; readonly rename: string | undefined }> {
  const { name, rename, ...rest } = options;
  const isOnNode = connection.local?.role === 'postgres';
  if (name === undefined || rename !== undefined || !isOnNode) {
    return { node: await nodeNameOf(options, connection), rename };
  }
  const node = await nodeNameOf(rest, connection);
  return { node, rename: name === node ? undefined : name };
}
