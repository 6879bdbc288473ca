import { execFileSync } from 'node:child_process';
import { chownSync, chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readProcess } from '../../../src/system/process.ts';
import { killAll, NAMESPACES } from './host-processes.ts';
import { tool, whyNoHosts } from './host-tools.ts';

/**
 * Everything that one program makes of namespaces, processes, mounts and files.
 * All of it carries the run's name, which says whose it is: so that several
 * runs can be on one machine, and the next one removes what a run left behind
 * that was killed itself.
 */
export interface HostsRun {
  /** The beginning of every name. */
  readonly name: string;
  /** For all files; every user may enter. */
  readonly directory: string;
  /** Kills, unmounts and removes everything. Throws when something is left. */
  remove(): void;
}

/** A run of the process that has this pid and started at this tick. */
const RUN_NAME = /^pgbaton-(\d+)-(\d+)/;

/** Starts a run: removed when this process ends, on Ctrl-C too. Throws when the machine can't have hosts. */
export function startHostsRun(): HostsRun {
  const obstacle = whyNoHosts();
  if (obstacle !== undefined) throw new Error(obstacle);
  removeLeftovers();
  const run = hostsRun(`pgbaton-${process.pid}-${readProcess(process.pid)?.startTicks}`);
  mkdirSync(run.directory);
  chmodSync(run.directory, 0o755);
  const onExit = (): void => run.remove();
  const onSignal = (signal: NodeJS.Signals): void => {
    console.error(`${signal}: removing ${run.name}`);
    process.exit(130);
  };
  process.once('exit', onExit);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, onSignal);
  return run;
}

/** The run of another process, by its name. */
export function hostsRun(name: string): HostsRun {
  const directory = join(tmpdir(), name);
  return { name, directory, remove: () => removeRun(name, directory) };
}

/** Makes a folder of the run's and gives it to a user. */
export function makeFolder(path: string, user: string): void {
  mkdirSync(path, { recursive: true });
  const id = (flag: string): number => Number(execFileSync('id', [flag, user], { encoding: 'utf8' }));
  chownSync(path, id('-u'), id('-g'));
}

/** Ends the processes of one namespace and removes it. */
export function removeNamespace(namespace: string): void {
  const left = killAll(namespace);
  if (left.length > 0) throw new Error(`processes of ${namespace} can't be killed: ${left.join(', ')}`);
  tool('ip', ['netns', 'delete', namespace]);
}

/** Unmounts everything below a folder, the innermost first. */
export function unmountBelow(directory: string): void {
  for (const mount of mountsBelow(directory)) {
    thaw(mount);
    tool('umount', [mount]);
  }
}

function removeRun(name: string, directory: string): void {
  // Whoever waits for a frozen disk can't even be killed.
  for (const mount of mountsBelow(directory)) thaw(mount);
  for (const namespace of namespaces().filter((each) => each.startsWith(`${name}-`)))
    removeNamespace(namespace);
  unmountBelow(directory);
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}

function removeLeftovers(): void {
  const names = [...namespaces(), ...readdirSync(tmpdir())].map((each) => RUN_NAME.exec(each)?.[0]);
  for (const name of new Set(names.filter((each) => each !== undefined)))
    if (!isOwnerAlive(name)) hostsRun(name).remove();
}

function isOwnerAlive(name: string): boolean {
  const [, pid, startTicks] = RUN_NAME.exec(name) ?? [];
  return readProcess(Number(pid))?.startTicks === Number(startTicks);
}

function namespaces(): readonly string[] {
  return existsSync(NAMESPACES) ? readdirSync(NAMESPACES) : [];
}

function mountsBelow(directory: string): readonly string[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${directory}/`))
    .reverse();
}

function thaw(mount: string): void {
  try {
    tool('fsfreeze', ['--unfreeze', mount]);
  } catch {
    // It was not frozen, or can't be.
  }
}
