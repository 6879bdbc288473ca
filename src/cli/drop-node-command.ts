import type { Command } from 'commander';
import type { NodeView } from '../api/schemas.ts';
import { BatonError } from '../lib/baton-error.ts';
import { carryOut } from './carry-out.ts';
import { nodeGone } from './change-goal.ts';
import type { CliContext } from './cli-context.ts';
import { addressOfNode, nodeNameOf, withConnection, type Connection } from './connect-monitor.ts';
import { destroyDirectories } from './destroy-directories.ts';
import { findNodeAt, findNodeByName } from './find-node.ts';
import type { LocalNode } from './local-config.ts';
import { newCommand, type Act } from './new-command.ts';
import { parsePort, withNode, withWait, type NodeOptions, type WaitOptions } from './options.ts';
import { endProcess, waitForEnd } from './signal-process.ts';
import type { Ui } from './ui.ts';

interface Options extends NodeOptions, WaitOptions {
  readonly hostname?: string;
  readonly pgport?: number;
  readonly destroy?: true;
  readonly force?: true;
}

/** `pgbaton drop node`: takes a node out of its group; on the node itself, its files too. */
export function dropNodeCommand(context: CliContext, act: Act): Command {
  const command = newCommand(
    'node',
    'take a node out of its group; a primary hands its role over first',
    'pgbaton drop node --destroy',
    'pgbaton drop node --name node3 --formation f3 --force',
  );
  return withWait(withNode(command))
    .option('--hostname <host>', 'with --pgport: name the node by its address')
    .option('--pgport <port>', 'with --hostname: name the node by its address', parsePort)
    .option('--destroy', 'on the node itself: also remove its data directory and the files of its keeper')
    .option('--force', 'do not wait for the node to let go: for one that is gone for good')
    .action(
      act<Options>(async ({ options, ui }) => {
        await withConnection(context, options, async (connection) => {
          const node = await findTarget(options, connection);
          const local = node === 'dropped' ? localNode(connection) : localNodeIfIt(connection, node);
          if (node === 'dropped') ui.note('The node is not in its group any more.');
          else await dropFromGroup(context, ui, options, connection, node, local);
          if (local !== undefined) await letGo(context, ui, options, local);
          else if (options.destroy) {
            ui.note(
              'Nothing was removed here: --destroy works on the machine of the node, with --pgdata or PGDATA.',
            );
          }
        });
      }),
    );
}

/** `dropped`: the local node, which the monitor does not know any more. */
async function findTarget(options: Options, connection: Connection): Promise<NodeView | 'dropped'> {
  const address = addressOfNode(options, connection);
  const { hostname, pgport, name } = options;
  if (name === undefined && (hostname !== undefined || pgport !== undefined)) {
    if (hostname === undefined || pgport === undefined) {
      throw new BatonError('BATON_USAGE', '--hostname and --pgport name a node only together');
    }
    return findNodeAt(await connection.client.getGroup(address), { host: hostname, port: pgport }, address);
  }
  try {
    const wanted = await nodeNameOf(options, connection);
    return findNodeByName(await connection.client.getGroup(address), wanted, address);
  } catch (error) {
    // A second try after one that was cut off half-way finds its files, and no node.
    const isGone = error instanceof BatonError && error.code === 'BATON_NODE_NOT_FOUND';
    if (isGone && name === undefined && options.destroy && localNode(connection) !== undefined)
      return 'dropped';
    throw error;
  }
}

function localNode({ local }: Connection): LocalNode | undefined {
  return local?.role === 'postgres' ? local : undefined;
}

function localNodeIfIt(connection: Connection, node: NodeView): LocalNode | undefined {
  const local = localNode(connection);
  const isIt = local?.config.nodeId === node.node_id && local.config.group === node.group_id;
  return isIt ? local : undefined;
}

async function dropFromGroup(
  context: CliContext,
  ui: Ui,
  options: Options,
  connection: Connection,
  node: NodeView,
  local: LocalNode | undefined,
): Promise<void> {
  const { client } = connection;
  const address = addressOfNode(options, connection);
  // What is seen not to run here need not be asked to let go.
  const force = options.force === true || (local !== undefined && !(await runsHere(context, local)));
  await carryOut(context, ui, {
    client,
    address,
    before: await client.getGroup(address),
    wait: options.wait,
    what: 'the drop',
    goal: nodeGone(node.node_id),
    send: () => client.dropNode(address.formation, node.name, { force }),
  });
}

async function runsHere(context: CliContext, local: LocalNode): Promise<boolean> {
  const { services } = context;
  const keeper = await services.readPidFile(local.files.pidFile);
  return keeper !== undefined || (await services.findPostmaster(local.dataDirectory)) !== undefined;
}

/** The keeper ends by itself when it learns that its node was dropped; one that does not is told to. */
const KEEPER_LETS_GO_MS = 15_000;

async function letGo(context: CliContext, ui: Ui, options: Options, local: LocalNode): Promise<void> {
  if (options.wait === false && !options.destroy) return;
  const progress = ui.progress('the keeper lets go of PostgreSQL');
  try {
    const keeper = await context.services.readPidFile(local.files.pidFile);
    if (keeper !== undefined && !(await waitForEnd(context, keeper, KEEPER_LETS_GO_MS))) {
      await endProcess(context, keeper, 'SIGTERM', 60_000);
    }
    if ((await context.services.findPostmaster(local.dataDirectory)) !== undefined) {
      await context.services.stopPostgres(local.config, 'fast');
    }
  } finally {
    progress.stop();
  }
  if (!options.destroy) return;
  const { left } = destroyDirectories({
    // The state directory goes last: with it would go what a second try needs to know.
    directories: [local.dataDirectory, local.files.stateDirectory],
    marks: ['PG_VERSION', 'pgbaton.yaml'],
  });
  ui.note(`Removed "${local.dataDirectory}" and "${local.files.stateDirectory}".`);
  for (const path of left) ui.note(`Left in place, because it lies outside of them: "${path}".`);
}
