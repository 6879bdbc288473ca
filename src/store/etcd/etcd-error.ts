import { Code, ConnectError } from '@connectrpc/connect';
import { BatonError } from '../../lib/baton-error.ts';

/** What a failed call means for what to do next. */
export type EtcdFailure =
  /** Another member, or the same one later, may answer. */
  | { readonly kind: 'try_again'; readonly reason: string }
  /** The token is not known (any more): get another one. */
  | { readonly kind: 'authenticate'; readonly reason: string }
  /** It is not the store that was seen before: wiped, restored from a backup, or a cluster of its own. */
  | { readonly kind: 'another_store'; readonly reason: string }
  | { readonly kind: 'lease_not_found' }
  | { readonly kind: 'compacted' }
  | { readonly kind: 'final'; readonly error: BatonError };

/** Thrown inside an attempt when the member's answer can't be relied on. */
export class UnreliableMember extends Error {
  override readonly name = 'UnreliableMember';
  readonly kind: 'try_again' | 'another_store';

  constructor(kind: UnreliableMember['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Reads gRPC's code first, and etcd's words only where one code stands for several things. */
export function toEtcdFailure(thrown: unknown, member: string): EtcdFailure {
  if (thrown instanceof BatonError) return { kind: 'final', error: thrown };
  if (thrown instanceof UnreliableMember) return { kind: thrown.kind, reason: thrown.message };
  const { code, rawMessage } = ConnectError.from(thrown);
  const says = `${member} says: ${rawMessage}`;
  switch (code) {
    case Code.Unauthenticated:
      return { kind: 'authenticate', reason: says };
    case Code.NotFound:
      return rawMessage.includes('lease not found') ? { kind: 'lease_not_found' } : refused(says, thrown);
    case Code.OutOfRange:
      return rawMessage.includes('compacted') ? { kind: 'compacted' } : { kind: 'try_again', reason: says };
    case Code.InvalidArgument:
      return ofInvalidArgument(rawMessage, says, thrown);
    case Code.PermissionDenied:
      return { kind: 'final', error: forbidden(says, thrown) };
    case Code.ResourceExhausted:
      return rawMessage.includes('space exceeded')
        ? { kind: 'final', error: outOfSpace(says, thrown) }
        : { kind: 'try_again', reason: says };
    case Code.FailedPrecondition:
      return rawMessage.includes('lease already exists')
        ? { kind: 'try_again', reason: says }
        : refused(says, thrown);
    case Code.Unimplemented:
    case Code.AlreadyExists:
      return refused(says, thrown);
    case Code.Canceled:
    case Code.Unknown:
    case Code.DeadlineExceeded:
    case Code.Aborted:
    case Code.Internal:
    case Code.Unavailable:
    case Code.DataLoss:
      return ofConnection(thrown, member, says);
  }
}

function ofInvalidArgument(rawMessage: string, says: string, thrown: unknown): EtcdFailure {
  // The users were changed since the token was made.
  if (rawMessage.includes('revision of auth store is old')) return { kind: 'authenticate', reason: says };
  if (rawMessage.includes('user name is empty') || rawMessage.includes('authentication failed')) {
    return { kind: 'final', error: forbidden(says, thrown) };
  }
  return refused(says, thrown);
}

function ofConnection(thrown: unknown, member: string, says: string): EtcdFailure {
  const code = tlsCodeOf(thrown);
  if (code === undefined) return { kind: 'try_again', reason: says };
  return {
    kind: 'final',
    error: new BatonError('BATON_TLS_UNTRUSTED', `the certificate of etcd at ${member} is not trusted`, {
      detail: `TLS says: ${code}.`,
      hint: 'Name the file with the CA of etcd as sslrootcert, and each member as its certificate does.',
      cause: thrown,
    }),
  };
}

/** The code of a refused certificate, wherever in the chain of causes it stands. */
function tlsCodeOf(thrown: unknown): string | undefined {
  for (let each = thrown; each instanceof Error; each = each.cause) {
    const code = 'code' in each ? String(each.code) : '';
    if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS_CERT/.test(code)) return code;
  }
  return undefined;
}

function refused(says: string, cause: unknown): EtcdFailure {
  return {
    kind: 'final',
    error: new BatonError('BATON_STORE_UNAVAILABLE', 'etcd has refused the request', {
      detail: `${says}.`,
      cause,
    }),
  };
}

function forbidden(says: string, cause: unknown): BatonError {
  return new BatonError('BATON_UNAUTHORIZED', 'etcd does not let this user in', {
    detail: `${says}.`,
    hint: "The user needs a role that may read and write every key below the store's prefix.",
    cause,
  });
}

function outOfSpace(says: string, cause: unknown): BatonError {
  return new BatonError('BATON_STORE_UNAVAILABLE', 'the database of etcd is full', {
    detail: `${says}.`,
    hint: 'Compact and defragment etcd, then clear the alarm with "etcdctl alarm disarm"; see etcd\'s guide of maintenance.',
    cause,
  });
}
