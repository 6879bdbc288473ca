import { Resolver } from 'node:dns/promises';
import { BatonError } from '../../lib/baton-error.ts';
import type { Deadline } from '../store.ts';
import type { EtcdEndpoint } from './member.ts';

/**
 * The members that the SRV records of a domain name, as etcd's own clients look
 * them up. Rejects with BATON_UNREACHABLE when there are none.
 */
export async function discoverEndpoints(
  domain: string,
  usesTls: boolean,
  call: Deadline,
): Promise<readonly EtcdEndpoint[]> {
  const name = `_etcd-client${usesTls ? '-ssl' : ''}._tcp.${domain}`;
  const resolver = new Resolver({ timeout: call.timeoutMs, tries: 1 });
  try {
    const records = await resolver.resolveSrv(name);
    const inOrder = records.toSorted((a, b) => a.priority - b.priority || b.weight - a.weight);
    return inOrder.map((record) => ({ host: record.name, port: record.port }));
  } catch (error) {
    throw new BatonError('BATON_UNREACHABLE', `the DNS names no etcd for "${domain}"`, {
      detail: error instanceof Error ? `${error.message}.` : undefined,
      hint: `The SRV records of ${name} must name the members with their ports for clients.`,
      cause: error,
    });
  }
}
