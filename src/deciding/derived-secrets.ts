import { hkdfSync } from 'node:crypto';
import { BatonError } from '../lib/baton-error.ts';
import type { GroupSecrets } from './service-calls.ts';

/** 256 bits in base64url have 43 characters; less than this could be guessed. */
const TOKEN_MIN_LENGTH = 32;

/**
 * A formation whose store is etcd has one secret, the token that each of its
 * nodes keeps in a file of mode 0600. All others are derived from it, each for
 * one purpose and of no use for another, so that nothing secret needs to stand
 * in the store or to be handed round.
 */
export interface FormationToken {
  /** What keepers prove to one another. */
  keeperKey(formation: string): Buffer;
  /** Stands in the store: who joins finds out whether it has the right token, and nobody finds out the token. */
  check(formation: string): string;
  /**
   * Stands in the store with a move into another home. Keepers bring their
   * token there, so whoever can only write to the store must not send them.
   */
  readonly proofOfMove: (
    formation: string,
    move: { readonly to: string; readonly incarnation: string },
  ) => string;
  readonly secrets: GroupSecrets;
}

/** Throws BATON_CONFIG_INVALID for a token that is too short to be one. */
export function useToken(token: string): FormationToken {
  if (token.length < TOKEN_MIN_LENGTH) {
    throw new BatonError('BATON_CONFIG_INVALID', 'the token of the formation is too short', {
      detail: `It has ${token.length} characters, and needs ${TOKEN_MIN_LENGTH} random ones at least.`,
      hint: 'Copy the file "token" of a node of the formation, or make one with "openssl rand -hex 32".',
    });
  }
  const derive = (purpose: string): Buffer => Buffer.from(hkdfSync('sha256', token, 'pgbaton', purpose, 32));
  const password = (formation: string, group: number, role: string): string =>
    derive(`password of ${role} in ${formation}/${group}`).toString('base64url');
  return {
    keeperKey: (formation) => derive(`keepers of ${formation}`),
    check: (formation) => derive(`check of ${formation}`).toString('base64url'),
    proofOfMove: (formation, { to, incarnation }) =>
      derive(`move of ${formation} to ${to} as ${incarnation}`).toString('base64url'),
    secrets: {
      of: (formation, group) =>
        Promise.resolve({
          keeper_password: password(formation, group, 'keeper'),
          replication_password: password(formation, group, 'replication'),
        }),
      keep: () => Promise.resolve(),
      forget: () => Promise.resolve(),
    },
  };
}
