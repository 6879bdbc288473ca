import { existsSync } from 'node:fs';
import { hostRules, switchRules, type Cut } from './cut-rules.ts';
import { makeHost, type Host } from './host.ts';
import { NAMESPACES } from './host-processes.ts';
import { removeNamespace, type HostsRun } from './hosts-run.ts';
import { tool } from './host-tools.ts';

/** Hosts on one switch. Nothing of it can be seen from outside: another network may have the same addresses. */
export interface Network {
  /** Those that were added and not removed. */
  hosts(): readonly Host[];
  addHost(name: string): Host;
  /** Ends all of its processes, and removes it. */
  removeHost(host: Host): void;
  /** Closes the way between a host and others; in force when the call returns. Undone by the returned function. */
  cut(host: Host, options?: CutOptions): () => void;
  /** Undoes every cut; or those that were made of this host. */
  heal(host?: Host): void;
  /** The machine is gone from one moment to the next: nobody hears of its end, and nothing of it lives on. */
  powerOff(host: Host): void;
  /** The cable is back in; what is to run has to be started. */
  powerOn(host: Host): void;
  /** As a virtual machine that is paused: nothing runs, and nothing answers. */
  freeze(host: Host): void;
  thaw(host: Host): void;
}

export interface CutOptions {
  /** Everybody, unless they are named. */
  readonly from?: readonly Host[];
  readonly direction?: Cut['direction'];
  readonly how?: Cut['how'];
  readonly ports?: Cut['ports'];
}

const PREFIX = '10.93.0';
const OBSERVER = { name: 'observer', address: `${PREFIX}.1` };

/** Opens the network of a run, and makes its switch unless that is there already. One process a run may do so. */
export function openNetwork(run: HostsRun): Network {
  const hub = switchOf(run);
  const hosts: Host[] = [];
  const cuts: Cut[] = [];
  let lastAddress = 1;

  if (!existsSync(`${NAMESPACES}/${hub}`)) makeSwitch(hub);

  function apply(changed: readonly Cut[]): void {
    loadRules(hub, switchRules(cuts, hosts));
    const refusing = changed.filter(({ how }) => how === 'reject').map(({ host }) => host);
    for (const host of hosts.filter(({ name }) => refusing.includes(name)))
      loadRules(host.namespace, hostRules(host, cuts, hosts));
  }

  function remove(chosen: (cut: Cut) => boolean): void {
    const gone = cuts.filter(chosen);
    if (gone.length === 0) return;
    cuts.splice(0, cuts.length, ...cuts.filter((cut) => !gone.includes(cut)));
    apply(gone);
  }

  const network: Network = {
    hosts: () => [...hosts],
    addHost(name) {
      lastAddress += 1;
      const host = makeHost(name, `${PREFIX}.${lastAddress}`, `${run.name}-${name}`);
      plugIn(host, hub);
      hosts.push(host);
      apply(cuts);
      return host;
    },
    removeHost(host) {
      remove((cut) => cut.host === host.name);
      hosts.splice(hosts.indexOf(host), 1);
      // With its namespace it would go too, but some time later, and its name is wanted again.
      tool('ip', ['-n', hub, 'link', 'delete', host.name]);
      removeNamespace(host.namespace);
    },
    cut(host, { from, direction = 'both', how = 'drop', ports } = {}) {
      if (how === 'reject' && direction !== 'both')
        throw new Error('what is rejected is rejected in both directions');
      const others = from?.map(({ name }) => name) ?? 'all';
      const cut: Cut = { host: host.name, from: others, direction, how, ports };
      cuts.push(cut);
      apply([cut]);
      return () => remove((each) => each === cut);
    },
    heal: (host) => remove((cut) => host === undefined || cut.host === host.name),
    powerOff(host) {
      // First the cable, or its peers would be told of the end by the sockets that the kernel closes.
      network.cut(host);
      host.killAll();
    },
    powerOn: (host) => network.heal(host),
    freeze(host) {
      network.cut(host);
      host.stopAll();
    },
    thaw(host) {
      network.heal(host);
      host.continueAll();
    },
  };
  return network;
}

/**
 * A host for the process that watches all the others. No cut reaches it,
 * because it is none of the hosts of the network.
 */
export function addObserver(run: HostsRun): Host {
  const hub = switchOf(run);
  makeSwitch(hub);
  const host = makeHost(OBSERVER.name, OBSERVER.address, `${run.name}-${OBSERVER.name}`);
  plugIn(host, hub);
  return host;
}

function switchOf(run: HostsRun): string {
  return `${run.name}-switch`;
}

function makeSwitch(hub: string): void {
  tool('ip', ['netns', 'add', hub]);
  tool('ip', ['-n', hub, 'link', 'add', 'bridge', 'type', 'bridge']);
  tool('ip', ['-n', hub, 'link', 'set', 'bridge', 'up']);
}

/** The ports of the switch bear the names of the hosts: the rules of the cuts speak of them. */
function plugIn({ name, address, namespace }: Host, hub: string): void {
  tool('ip', ['netns', 'add', namespace]);
  const port = ['link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace];
  tool('ip', ['-n', hub, ...port]);
  tool('ip', ['-n', hub, 'link', 'set', name, 'master', 'bridge', 'up']);
  tool('ip', ['-n', namespace, 'address', 'add', `${address}/24`, 'dev', 'eth0']);
  tool('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
  tool('ip', ['-n', namespace, 'link', 'set', 'eth0', 'up']);
}

function loadRules(namespace: string, rules: string): void {
  tool('nsenter', [`--net=${NAMESPACES}/${namespace}`, '--', 'nft', '-f', '-'], rules);
}
