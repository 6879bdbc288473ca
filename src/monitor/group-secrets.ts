import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { GroupSecretsBody } from '../api/schemas.ts';
import { createSerialQueue } from '../deciding/serial-queue.ts';
import type { GroupSecrets } from '../deciding/service-calls.ts';
import { BatonError } from '../lib/baton-error.ts';
import { writeFileAtomically } from '../system/atomic-file.ts';

/** The passwords that a monitor makes once and keeps in files of mode 0600 beside its store. */
export function createGroupSecrets(directory: string): GroupSecrets {
  // Two nodes that register at once must be given the same passwords.
  const queue = createSerialQueue();
  // "@" stands in no formation's name, so no two groups share a file.
  const fileOf = (formation: string, group: number): string => join(directory, `${formation}@${group}.json`);

  async function readOrMake(file: string): Promise<GroupSecretsBody> {
    const known = await readIfThere(file);
    if (known !== undefined) return known;
    const made = { keeper_password: newPassword(), replication_password: newPassword() };
    await write(file, made);
    return made;
  }

  async function write(file: string, secrets: GroupSecretsBody): Promise<void> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await writeFileAtomically(file, `${JSON.stringify(secrets)}\n`, { mode: 0o600 });
  }

  return {
    of: (formation, group) =>
      queue.run(async () => {
        const file = fileOf(formation, group);
        try {
          return await readOrMake(file);
        } catch (error) {
          if (error instanceof BatonError) throw error;
          throw new BatonError(
            'BATON_STORE_UNAVAILABLE',
            `could not keep the passwords of the group in "${file}"`,
            {
              detail: error instanceof Error ? `${error.message}.` : undefined,
              cause: error,
            },
          );
        }
      }),
    keep: (formation, group, secrets) => queue.run(() => write(fileOf(formation, group), secrets)),
    forget: (formation, group) => queue.run(() => rm(fileOf(formation, group), { force: true })),
  };
}

/** 256 bits, of characters that need no quoting anywhere. */
function newPassword(): string {
  return randomBytes(32).toString('base64url');
}

async function readIfThere(file: string): Promise<GroupSecretsBody | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const parsed = z.safeParse(GroupSecretsBody, parseJson(text));
  if (parsed.success) return parsed.data;
  // The reason is left out: it could quote the file.
  throw new BatonError('BATON_STORE_UNAVAILABLE', `the passwords file "${file}" is damaged`, {
    hint: 'Copy the passwords from "secrets.json" in the state directory of one of the nodes.',
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
