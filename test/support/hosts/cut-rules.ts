/** How the way between two hosts is closed. */
export interface Cut {
  /** The one that is cut off, and how it is cut off from each of the others. */
  readonly host: string;
  /** Which others: all that there are, or will be, unless they are named. */
  readonly from: 'all' | readonly string[];
  /** `out`: what the host sends is lost, and it hears everybody; `in`: the other way round. */
  readonly direction: 'both' | 'out' | 'in';
  /** `drop`: silence, as with a pulled cable; `reject`: an answer that says no, as from a firewall. */
  readonly how: 'drop' | 'reject';
  /** Only what goes to or comes from these TCP ports is lost; undefined: everything. */
  readonly ports?: readonly number[] | undefined;
}

/** A host as the rules see it. */
export interface Addressed {
  readonly name: string;
  readonly address: string;
}

/**
 * What the switch does not pass on, for `nft -f`. Whole frames are dropped, so
 * that ARP is gone too.
 */
export function switchRules(cuts: readonly Cut[], hosts: readonly Addressed[]): string {
  const lost = cuts
    .filter(({ how }) => how === 'drop')
    .flatMap(({ host, from, direction, ports }) =>
      others(host, from, hosts).flatMap(({ name }) => [
        ...(direction === 'in' ? [] : frames(host, name, ports)),
        ...(direction === 'out' ? [] : frames(name, host, ports)),
      ]),
    );
  const chain = ['type filter hook forward priority 0', ...new Set(lost)];
  return table('bridge', [['forward', chain]]);
}

/**
 * What a host refuses, for `nft -f` in its own namespace: connections to and
 * from the others are reset at both ends.
 */
export function hostRules(host: Addressed, cuts: readonly Cut[], hosts: readonly Addressed[]): string {
  const refused = cuts
    .filter((cut) => cut.how === 'reject' && cut.host === host.name)
    .flatMap(({ from, ports }) =>
      others(host.name, from, hosts).flatMap(({ address }) =>
        segments(ports).map((segment) => `${address} ${segment}`),
      ),
    );
  // The resets themselves must get out and in.
  const refusals = (field: string): readonly string[] => [
    'tcp flags & rst == rst accept',
    ...new Set(refused.map((address) => `ip ${field} ${address} reject with tcp reset`)),
  ];
  return table('inet', [
    ['input', ['type filter hook input priority 0', ...refusals('saddr')]],
    ['output', ['type filter hook output priority 0', ...refusals('daddr')]],
  ]);
}

function others(host: string, from: Cut['from'], hosts: readonly Addressed[]): readonly Addressed[] {
  return hosts.filter(({ name }) => name !== host && (from === 'all' || from.includes(name)));
}

/** Whole frames, or what of them belongs to these ports: ARP has none, and goes on. */
function frames(from: string, to: string, ports: Cut['ports']): readonly string[] {
  const way = `iifname "${from}" oifname "${to}"`;
  return ports === undefined
    ? [`${way} drop`]
    : segments(ports).map((each) => `${way} ip protocol tcp ${each} drop`);
}

/** What of TCP is meant: questions go to a port, and answers come from it. */
function segments(ports: Cut['ports']): readonly string[] {
  if (ports === undefined) return ['meta l4proto tcp'];
  return ['dport', 'sport'].map((end) => `tcp ${end} { ${ports.join(', ')} }`);
}

/** Made, removed and made again in one transaction: there may have been one or not. */
function table(family: string, chains: readonly (readonly [string, readonly string[]])[]): string {
  const body = chains
    .map(([name, rules]) => `  chain ${name} {\n    ${rules.join('\n    ')}\n  }\n`)
    .join('');
  const name = `${family} cuts`;
  return `table ${name} {\n}\ndelete table ${name}\ntable ${name} {\n${body}}\n`;
}
