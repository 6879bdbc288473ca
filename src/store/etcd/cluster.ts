import type { CallOptions } from '@connectrpc/connect';
import { setTimeout as sleep } from 'node:timers/promises';
import { BatonError } from '../../lib/baton-error.ts';
import { StoreReplaced } from '../store-replaced.ts';
import type { Deadline } from '../store.ts';
import { toEtcdFailure, UnreliableMember, type EtcdFailure } from './etcd-error.ts';
import { createMember, type EtcdEndpoint, type EtcdTls, type Member } from './member.ts';
import type { ResponseHeader } from './rpc_pb.ts';

export interface EtcdCredentials {
  readonly user: string;
  readonly password: string;
}

/** The members of one etcd cluster: a call goes to one of them, and to the next when that one fails. */
export interface EtcdCluster {
  /**
   * Tries members in turn until one answers; a request may therefore arrive
   * more than once. Rejects with BATON_STORE_UNAVAILABLE when the time is up,
   * with {@link StoreReplaced} when a majority has become another store, with
   * BATON_UNAUTHORIZED or BATON_TLS_UNTRUSTED when trying again is no use, and
   * {@link EtcdAnswer} for what etcd answers as an error.
   */
  call<T>(attempt: Attempt<T>, deadline: Deadline): Promise<T>;
  /** How many members there are. */
  readonly size: number;
  /** A member for a stream that stays open, another one with each `turn`. */
  memberFor(turn: number): Member;
  /** One attempt on one member, as {@link EtcdCluster.call} makes it. */
  callMember<T>(member: Member, attempt: Attempt<T>, timeoutMs: number): Promise<T>;
  /** Metadata for a stream: the token, and that the member must have a leader. */
  headers(member: Member, timeoutMs: number): Promise<Headers>;
  close(): void;
}

export type Attempt<T> = (member: Member, options: CallOptions) => Promise<T>;

/** An error of etcd that is an answer to the question. */
export class EtcdAnswer extends Error {
  override readonly name = 'EtcdAnswer';
  readonly kind: 'lease_not_found' | 'compacted';

  constructor(kind: EtcdAnswer['kind']) {
    super(`etcd answers: ${kind}`);
    this.kind = kind;
  }
}

/** Less than this is no attempt. */
const ATTEMPT_MS_MIN = 50;
/** After every member has failed at once, as during an election of etcd's leader. */
const ROUND_PAUSE_MS = 50;
/** A token that is refused as soon as it was made will be refused again. */
const TOKENS_A_CALL_MAX = 3;

export function createEtcdCluster(options: {
  readonly endpoints: readonly EtcdEndpoint[];
  readonly tls: EtcdTls | undefined;
  readonly credentials: EtcdCredentials | undefined;
}): EtcdCluster {
  const members = options.endpoints.map((endpoint) => createMember(endpoint, options.tls));
  const [firstMember] = members;
  if (firstMember === undefined) throw new BatonError('BATON_USAGE', 'etcd needs at least one endpoint');
  let preferred = 0;
  let token: Promise<string> | undefined;
  let clusterId: bigint | undefined;
  let seenRevision = 0n;
  let closed = false;

  function memberFor(turn: number): Member {
    return members[(preferred + turn) % members.length] ?? firstMember!;
  }

  async function headers(member: Member, timeoutMs: number): Promise<Headers> {
    // Without this a member that has lost its leader would keep a call, or a watch, waiting in silence.
    const result = new Headers({ hasleader: 'true' });
    const { credentials } = options;
    if (credentials === undefined) return result;
    token ??= member.auth
      .authenticate({ name: credentials.user, password: credentials.password }, { timeoutMs })
      .then((reply) => reply.token);
    const asked = token;
    try {
      result.set('token', await asked);
    } catch (error) {
      if (token === asked) token = undefined;
      throw error;
    }
    return result;
  }

  /** Refuses an answer of another cluster, or from before what has been seen already. */
  function check(header: ResponseHeader | undefined, seenBefore: bigint): void {
    if (header === undefined) return;
    clusterId ??= header.clusterId;
    if (header.clusterId !== clusterId) {
      throw new UnreliableMember(
        'another_store',
        'it belongs to another etcd cluster than the members asked before',
      );
    }
    if (header.revision < seenBefore) {
      throw new UnreliableMember(
        'another_store',
        `it answers with revision ${header.revision} after ${seenBefore} was seen: etcd was restored from an old backup, or wiped`,
      );
    }
    if (header.revision > seenRevision) seenRevision = header.revision;
  }

  async function callMember<T>(member: Member, attempt: Attempt<T>, timeoutMs: number): Promise<T> {
    const endsAtMs = performance.now() + timeoutMs;
    const seenBefore = seenRevision;
    // gRPC has no fractions of a millisecond: etcd takes one for a breach of protocol.
    const callHeaders = await headers(member, Math.round(timeoutMs));
    const leftMs = Math.max(1, Math.round(endsAtMs - performance.now()));
    try {
      const result = await attempt(member, { headers: callHeaders, timeoutMs: leftMs });
      check(headerOf(result), seenBefore);
      return result;
    } catch (error) {
      // Whoever asks next, a watch too, asks with another one.
      if (toEtcdFailure(error, member.name).kind === 'authenticate') token = undefined;
      throw error;
    }
  }

  return {
    size: members.length,
    memberFor,
    callMember,
    headers,
    async call(attempt, deadline) {
      const endsAtMs = performance.now() + deadline.timeoutMs;
      const failures = new Map<string, EtcdFailure>();
      let tokensLeft = TOKENS_A_CALL_MAX;
      const first = preferred;
      for (let turn = 0; ; turn++) {
        if (closed) throw new BatonError('BATON_STORE_UNAVAILABLE', 'the store is closed');
        const leftMs = endsAtMs - performance.now();
        if (leftMs < ATTEMPT_MS_MIN) throw unavailable(deadline, failures, members.length);
        const index = (first + turn) % members.length;
        const member = members[index] ?? firstMember;
        const shareMs = leftMs / (members.length - (turn % members.length));
        try {
          const result = await callMember(member, attempt, Math.max(ATTEMPT_MS_MIN, shareMs));
          preferred = index;
          return result;
        } catch (error) {
          const failure = toEtcdFailure(error, member.name);
          failures.set(member.name, failure);
          if (failure.kind === 'authenticate' && options.credentials !== undefined && tokensLeft > 0) {
            tokensLeft -= 1;
            turn -= 1;
            continue;
          }
          throwIfUseless(failure);
          if (strangers(failures) === members.length) throw replaced(failures);
          member.dropUnconnected();
        }
        if (turn % members.length === members.length - 1) await sleep(ROUND_PAUSE_MS);
      }
    },
    close() {
      closed = true;
      for (const member of members) member.close();
    },
  };
}

function headerOf(result: unknown): ResponseHeader | undefined {
  return (result as { readonly header?: ResponseHeader } | undefined)?.header;
}

function reasonOf(failure: EtcdFailure): string {
  return 'reason' in failure ? failure.reason : failure.kind;
}

function throwIfUseless(failure: EtcdFailure): void {
  switch (failure.kind) {
    case 'final':
      throw failure.error;
    case 'authenticate':
      throw new BatonError('BATON_UNAUTHORIZED', 'etcd does not let this client in', {
        detail: `${failure.reason}.`,
        hint: 'Give the user and the password that etcd knows, or a client certificate.',
      });
    case 'lease_not_found':
    case 'compacted':
      throw new EtcdAnswer(failure.kind);
    case 'try_again':
    case 'another_store':
      return;
  }
}

/** How many members have become another store. */
function strangers(failures: ReadonlyMap<string, EtcdFailure>): number {
  return [...failures.values()].filter(({ kind }) => kind === 'another_store').length;
}

function unavailable(
  deadline: Deadline,
  failures: ReadonlyMap<string, EtcdFailure>,
  size: number,
): BatonError {
  if (strangers(failures) > size / 2) return replaced(failures);
  return new BatonError('BATON_STORE_UNAVAILABLE', `etcd has not answered within ${deadline.timeoutMs} ms`, {
    detail: detailOf(failures),
    hint: 'etcd needs a majority of its members: check them with "etcdctl endpoint status", and whether sslmode fits.',
  });
}

function replaced(failures: ReadonlyMap<string, EtcdFailure>): StoreReplaced {
  return new StoreReplaced('etcd is not the one that it was', { detail: detailOf(failures) });
}

function detailOf(failures: ReadonlyMap<string, EtcdFailure>): string {
  return [...failures.values()].map((failure) => `${reasonOf(failure)}.`).join(' ');
}
