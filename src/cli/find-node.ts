import type { GroupAddress } from '../api/client.ts';
import type { GroupBody, NodeView } from '../api/schemas.ts';
import { BatonError } from '../lib/baton-error.ts';
import { closestWord } from '../lib/closest-word.ts';

/** The node of that name. Throws BATON_NODE_NOT_FOUND, with the name that was probably meant. */
export function findNodeByName(
  group: Pick<GroupBody, 'nodes'>,
  name: string,
  address: GroupAddress,
): NodeView {
  const found = group.nodes.find((node) => node.name === name);
  if (found !== undefined) return found;
  const names = group.nodes.map((node) => node.name);
  const near = closestWord(name, names);
  throw new BatonError(
    'BATON_NODE_NOT_FOUND',
    `formation "${address.formation}", group ${address.group} has no node "${name}"`,
    {
      hint:
        near !== undefined
          ? `Did you mean "${near}"?`
          : names.length === 0
            ? 'It has no nodes at all. Is --formation right?'
            : `Its nodes are ${names.join(', ')}.`,
    },
  );
}

/** The node at that address. Throws BATON_NODE_NOT_FOUND. */
export function findNodeAt(
  group: Pick<GroupBody, 'nodes'>,
  { host, port }: { readonly host: string; readonly port: number },
  address: GroupAddress,
): NodeView {
  const found = group.nodes.find((node) => node.host === host && node.port === port);
  if (found !== undefined) return found;
  throw new BatonError(
    'BATON_NODE_NOT_FOUND',
    `formation "${address.formation}", group ${address.group} has no node at ${host}:${port}`,
    { hint: '"pgbaton show nodes" lists the addresses of its nodes.' },
  );
}
