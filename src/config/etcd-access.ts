import { readFileSync } from 'node:fs';
import { BatonError } from '../lib/baton-error.ts';
import { readSecretFile } from './environment.ts';
import type { EtcdAddress } from './etcd-uri.ts';

/** What is needed to open the store that a URI names: the URI, and what stands in its files. */
export interface EtcdAccess extends Pick<EtcdAddress, 'endpoints' | 'discoveryDomain' | 'prefix'> {
  readonly tls?: {
    readonly ca?: string | undefined;
    readonly cert?: string | undefined;
    readonly key?: string | undefined;
    readonly verify: 'full' | 'ca' | 'none';
  };
  readonly credentials?: { readonly user: string; readonly password: string };
}

/**
 * Reads the files that an address names, and the password from its file or from
 * PGBATON_ETCD_PASSWORD. Throws BATON_CONFIG_INVALID naming the file.
 */
export function readEtcdAccess(
  address: EtcdAddress,
  env: Readonly<Record<string, string | undefined>>,
): EtcdAccess {
  const { endpoints, discoveryDomain, prefix, sslmode, user } = address;
  const ca = readPem(address.sslrootcert);
  const tls = {
    ca,
    cert: readPem(address.sslcert),
    key: address.sslkey === undefined ? undefined : readSecretFile(address.sslkey, 'key'),
    // As libpq does: whoever names a CA wants it verified.
    verify: verifyOf(sslmode, ca !== undefined),
  };
  return {
    endpoints,
    discoveryDomain,
    prefix,
    ...(sslmode === 'disable' ? {} : { tls }),
    ...(user === undefined ? {} : { credentials: { user, password: readPassword(address, env) } }),
  };
}

function verifyOf(sslmode: EtcdAddress['sslmode'], hasCa: boolean): 'full' | 'ca' | 'none' {
  switch (sslmode) {
    case 'verify-full':
      return 'full';
    case 'verify-ca':
      return 'ca';
    case 'require':
    case 'disable':
      return hasCa ? 'ca' : 'none';
  }
}

function readPassword(
  { user, passwordFile }: EtcdAddress,
  env: Readonly<Record<string, string | undefined>>,
): string {
  if (passwordFile !== undefined) return readSecretFile(passwordFile, 'password');
  const password = env['PGBATON_ETCD_PASSWORD'];
  if (password !== undefined && password !== '') return password;
  throw new BatonError('BATON_CONFIG_INVALID', `there is no password for the user "${user}" of etcd`, {
    hint: 'Name a file of mode 0600 with password_file= in the URI, or set PGBATON_ETCD_PASSWORD.',
  });
}

function readPem(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new BatonError('BATON_CONFIG_INVALID', `could not read "${file}"`, {
      detail: error instanceof Error ? `${error.message}.` : undefined,
      hint: 'It must be a PEM file that the user who runs pgbaton can read.',
      cause: error,
    });
  }
}
