import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { MonitorConfig } from '../config/monitor-config.ts';
import type { MonitorFiles } from '../config/paths.ts';
import { BatonError } from '../lib/baton-error.ts';
import type { TlsMaterial } from '../api/http-server.ts';

/** Reads the certificate and key of a configuration; null without TLS. Throws BATON_CONFIG_INVALID naming the file. */
export async function readTlsMaterial(
  ssl: MonitorConfig['ssl'],
  files: Pick<MonitorFiles, 'certFile' | 'keyFile'>,
): Promise<TlsMaterial | null> {
  if (ssl.mode === 'off') return null;
  const isOwn = ssl.mode === 'files';
  const certFile = isOwn ? ssl.certFile : files.certFile;
  const keyFile = isOwn ? ssl.keyFile : files.keyFile;
  if (certFile === null || keyFile === null) {
    throw new BatonError('BATON_CONFIG_INVALID', 'ssl.mode "files" needs ssl.cert_file and ssl.key_file');
  }
  const material = { cert: await readPem(certFile), key: await readPem(keyFile) };
  try {
    createSecureContext(material);
  } catch (error) {
    throw new BatonError(
      'BATON_CONFIG_INVALID',
      `"${certFile}" and "${keyFile}" are no certificate and its key`,
      {
        detail: error instanceof Error ? `${error.message}.` : undefined,
        hint: 'Both are PEM files, and the key must be the one that the certificate was made for.',
        cause: error,
      },
    );
  }
  return material;
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new BatonError('BATON_CONFIG_INVALID', `could not read "${file}"`, {
      detail: error instanceof Error ? `${error.message}.` : undefined,
      hint: 'It must belong to the user who runs the monitor.',
      cause: error,
    });
  }
}
