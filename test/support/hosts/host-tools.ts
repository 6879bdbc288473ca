import { execFileSync } from 'node:child_process';

/** Each of these takes milliseconds; only a machine in trouble needs longer. */
const TIMEOUT_MS = 20_000;

/** The programs that hosts are made of, and Debian's packages that have them. */
const PACKAGES = {
  ip: 'iproute2',
  nft: 'nftables',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
  mount: 'mount',
  losetup: 'mount',
  fsfreeze: 'util-linux',
  'mkfs.ext4': 'e2fsprogs',
} as const;

/**
 * Runs one of the machine's tools to its end and returns its stdout; throws
 * with its stderr when it fails. Synchronous, so that a cut is in force when
 * the call returns, and so that all can be taken down while a process exits.
 */
export function tool(file: string, args: readonly string[], input = ''): string {
  try {
    return execFileSync(file, [...args], { input, encoding: 'utf8', timeout: TIMEOUT_MS, stdio: 'pipe' });
  } catch (error) {
    const { stderr, message } = error as { readonly stderr?: string; readonly message: string };
    throw new Error(`${file} ${args.join(' ')}: ${stderr?.trim() || message}`, { cause: error });
  }
}

/** Why hosts can't be made here, in words for the person who asked for them; undefined when they can. */
export function whyNoHosts(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces need Linux';
  if (process.getuid?.() !== 0) return 'network namespaces need root; start this with sudo';
  const missing = Object.entries(PACKAGES).filter(([program]) => !isThere(program));
  if (missing.length === 0) return undefined;
  const packages = [...new Set(missing.map(([, name]) => name))].join(' ');
  return `${missing.map(([program]) => program).join(', ')} not found; install with: apt-get install ${packages}`;
}

function isThere(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore', timeout: TIMEOUT_MS });
    return true;
  } catch {
    return false;
  }
}
