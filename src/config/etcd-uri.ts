import { BatonError } from '../lib/baton-error.ts';

const SSL_MODES = ['disable', 'require', 'verify-ca', 'verify-full'] as const;

/** An etcd cluster and the part of it that belongs to pgbaton, TLS in libpq's words. */
export interface EtcdAddress {
  /** Empty when the members are found by {@link discoveryDomain}. */
  readonly endpoints: readonly { readonly host: string; readonly port: number }[];
  /** The domain whose SRV records name the members. */
  readonly discoveryDomain?: string | undefined;
  readonly prefix: string;
  readonly user?: string | undefined;
  /** A file of mode 0600 with the password of the user. */
  readonly passwordFile?: string | undefined;
  readonly sslmode: (typeof SSL_MODES)[number];
  readonly sslrootcert?: string | undefined;
  readonly sslcert?: string | undefined;
  readonly sslkey?: string | undefined;
}

export const DEFAULT_ETCD_PORT = 2379;
export const DEFAULT_ETCD_PREFIX = 'pgbaton';

const PARAMETERS = ['password_file', 'sslcert', 'sslkey', 'sslmode', 'sslrootcert'];
const FORM =
  'A store in etcd looks like etcd://host1:2379,host2:2379,host3:2379/pgbaton?sslmode=verify-full.';

/**
 * Reads `etcd://[user@]host[:port],…[/prefix][?parameters]`, or
 * `etcd+srv://[user@]domain…` for members that stand in the DNS. Throws
 * BATON_USAGE, never quoting a password.
 */
export function parseEtcdUri(text: string): EtcdAddress {
  const [, scheme = '', login = '', hosts = '', path = '', query = ''] =
    /^(etcd|etcd\+srv):\/\/(?:([^@/?]*)@)?([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i.exec(text) ?? [];
  if (scheme === '') {
    throw usage(`"${text.replace(/\/\/[^@/]*@/, '//…@')}" is not the URI of a store in etcd`, FORM);
  }
  if (login.includes(':')) {
    throw usage(
      'the etcd URI contains a password',
      'The password never stands in the URI: name its file with password_file=, or set PGBATON_ETCD_PASSWORD.',
    );
  }
  const parameters = new Map(new URLSearchParams(query));
  for (const name of parameters.keys()) {
    if (!PARAMETERS.includes(name)) {
      throw usage(
        `the etcd URI has an unknown parameter "${name}"`,
        `Known ones are ${PARAMETERS.join(', ')}.`,
      );
    }
  }
  const isDiscovered = scheme.toLowerCase() === 'etcd+srv';
  if (hosts === '') throw usage('the etcd URI names no host', FORM);
  if (isDiscovered && !/^[A-Za-z0-9._-]+$/.test(hosts)) {
    throw usage(`"${hosts}" is not a domain`, 'etcd+srv:// takes one domain, without a port.');
  }
  return {
    endpoints: isDiscovered ? [] : hosts.split(',').map(parseEndpoint),
    discoveryDomain: isDiscovered ? hosts : undefined,
    prefix: decode(path.replace(/\/+$/, '')) || DEFAULT_ETCD_PREFIX,
    user: login === '' ? undefined : decode(login),
    passwordFile: parameters.get('password_file'),
    ...parseTls(parameters),
  };
}

function parseTls(parameters: ReadonlyMap<string, string>) {
  const given = parameters.get('sslmode') ?? 'require';
  const sslmode = SSL_MODES.find((mode) => mode === given);
  if (sslmode === undefined) {
    throw usage(`sslmode "${given}" of the etcd URI is not known`, `Use one of ${SSL_MODES.join(', ')}.`);
  }
  const [sslrootcert, sslcert, sslkey] = ['sslrootcert', 'sslcert', 'sslkey'].map((name) =>
    parameters.get(name),
  );
  if ((sslcert === undefined) !== (sslkey === undefined)) {
    throw usage(
      'the etcd URI names only one of sslcert and sslkey',
      'A client certificate needs its key, and the key its certificate.',
    );
  }
  if (sslmode === 'disable' && (sslrootcert ?? sslcert) !== undefined) {
    throw usage('the etcd URI names certificates and says sslmode=disable', 'Leave out one of them.');
  }
  return { sslmode, sslrootcert, sslcert, sslkey };
}

function parseEndpoint(text: string): { host: string; port: number } {
  const [, ipv6, name, port] = /^(?:\[([0-9a-f:.]+)\]|([A-Za-z0-9._-]+))(?::(\d+))?$/i.exec(text) ?? [];
  const host = ipv6 ?? name;
  const number = port === undefined ? DEFAULT_ETCD_PORT : Number(port);
  if (host === undefined || number < 1 || number > 65_535) {
    throw usage(`"${text}" in the etcd URI is not a host with a port`, FORM);
  }
  return { host, port: number };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw usage(`"${text}" in the etcd URI is not well encoded`, 'Write a percent sign as %25.');
  }
}

function usage(message: string, hint: string): BatonError {
  return new BatonError('BATON_USAGE', message, { hint });
}
