import { execFileSync } from 'node:child_process';

/**
 * Import this first in a test of real servers: PostgreSQL refuses to run as
 * root, so a test process that runs as root becomes user `postgres`. node:test
 * gives each file a process of its own.
 */
const { getuid, setgroups, setgid, setuid } = process;
if (getuid?.() === 0 && setgroups && setgid && setuid) {
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  const [uid, gid] = [id('-u'), id('-g')];
  setgroups([gid]);
  setgid(gid);
  setuid(uid);
  process.env['HOME'] = '/tmp';
  process.env['USER'] = 'postgres';
}
