import { chownSync, constants, mkdirSync, readdirSync, statSync, type Stats } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { BatonError } from '../lib/baton-error.ts';
import { runCommand } from './run-command.ts';

export interface PrivilegeOptions {
  /** The user to become; undefined: the owner of an existing data directory, else `postgres`. */
  readonly user?: string | undefined;
  readonly dataDirectory: string;
  /** Directories that are made when missing, and given to the user when empty; their owners may use them then. */
  readonly directories: readonly string[];
}

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** All groups, because key files may be readable by a group such as ssl-cert only. */
  readonly groups: readonly number[];
  readonly home: string;
}

/**
 * Makes root an unprivileged user for good: PostgreSQL refuses to run as root,
 * and nothing of pgbaton needs it. Does nothing for other users, except that
 * the directories are made. Returns the name of the user. Throws
 * BATON_PRIVILEGES naming the folder that the user could not use and the way
 * out. For the start of a program, before anything else has been opened.
 */
export async function dropPrivileges(options: PrivilegeOptions): Promise<string | undefined> {
  if (process.getuid?.() !== 0) {
    for (const directory of options.directories) makeDirectory(directory);
    return undefined;
  }
  const account = await chooseAccount(options);
  for (const directory of options.directories) {
    makeDirectory(directory);
    giveTo(account, directory);
    checkAncestors(account, directory);
  }
  const { setgroups, setgid, setuid } = process;
  if (!setgroups || !setgid || !setuid) return undefined;
  setgroups([...account.groups]);
  setgid(account.gid);
  setuid(account.uid);
  Object.assign(process.env, { HOME: account.home, USER: account.name, LOGNAME: account.name });
  return account.name;
}

async function chooseAccount(options: PrivilegeOptions): Promise<Account> {
  if (options.user !== undefined) return findAccount(options.user);
  const owner = statOf(options.dataDirectory)?.uid ?? 0;
  return findAccount(owner === 0 ? 'postgres' : String(owner));
}

/** Through getent, because accounts may live in a directory service. */
async function findAccount(nameOrUid: string): Promise<Account> {
  const { stdout } = await runCommand('getent', ['passwd', nameOrUid], { timeoutMs: 10_000 });
  const [name, , uid, gid, , home] = stdout.trim().split(':');
  if (!name || uid === undefined || gid === undefined || uid === '0') {
    throw new BatonError('BATON_PRIVILEGES', `can not run PostgreSQL as user "${nameOrUid}"`, {
      detail: uid === '0' ? 'PostgreSQL refuses to run as root.' : 'There is no such user on this machine.',
      hint: 'Run pgbaton as the user that PostgreSQL shall run as, or make a user named "postgres".',
    });
  }
  const groups = await runCommand('id', ['-G', name], { timeoutMs: 10_000 });
  return {
    name,
    uid: Number(uid),
    gid: Number(gid),
    groups: [...new Set([Number(gid), ...groups.stdout.trim().split(' ').map(Number)])],
    home: home || '/',
  };
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new BatonError('BATON_PRIVILEGES', `can not make the directory "${directory}"`, {
      detail: (cause as Error).message,
      hint: 'Make it, owned by the user that runs pgbaton, or choose another place.',
      cause,
    });
  }
}

function giveTo(account: Account, directory: string): void {
  const { uid } = statSync(directory);
  if (uid === account.uid) return;
  if (readdirSync(directory).length > 0) {
    throw new BatonError('BATON_PRIVILEGES', `"${directory}" does not belong to user "${account.name}"`, {
      hint: `Give it with all that is in it to "${account.name}" (chown -R), or name its owner as the user to run as.`,
    });
  }
  chownSync(directory, account.uid, account.gid);
}

/** A folder above that can't be entered would show up much later, as a puzzling message of initdb. */
function checkAncestors(account: Account, directory: string): void {
  for (let folder = dirname(resolve(directory)); ; folder = dirname(folder)) {
    const { mode, uid, gid } = statSync(folder);
    const bit =
      uid === account.uid
        ? constants.S_IXUSR
        : account.groups.includes(gid)
          ? constants.S_IXGRP
          : constants.S_IXOTH;
    if ((mode & bit) === 0) {
      throw new BatonError('BATON_PRIVILEGES', `user "${account.name}" can not reach "${directory}"`, {
        detail: `PostgreSQL can not run as root, so it runs as "${account.name}", who may not enter "${folder}".`,
        hint: `Choose a data directory in another place, for example below /var/lib/postgresql, or let others enter (chmod o+x "${folder}").`,
      });
    }
    if (folder === dirname(folder)) return;
  }
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}
