import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { writeFileAtomically } from './atomic-file.ts';

export interface SelfSignedOptions {
  /** The common name; names and addresses under which the server is reached besides `localhost`. */
  readonly hostname: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** Ten years: a certificate that nobody verifies must not expire under a running cluster. */
const VALID_MS = 3_650 * 24 * 3_600_000;

/**
 * Makes a self-signed certificate and its key (mode 0600): it encrypts, and
 * proves nothing. Who wants more brings certificates of an own CA. To be
 * imported on demand: certificates are made once, and every keeper would pay for
 * the library in memory.
 */
export async function createSelfSignedCertificate({
  hostname,
  certFile,
  keyFile,
}: SelfSignedOptions): Promise<void> {
  x509.cryptoProvider.set('pgbaton', webcrypto as Parameters<typeof x509.cryptoProvider.set>[1]);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const isAddress = /^[\d.]+$|:/.test(hostname);
  const now = Date.now();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(8)))
      .toString('hex')
      .replace(/^[89a-f]/, '1'),
    name: `CN=${hostname}`,
    // An hour back: clocks differ.
    notBefore: new Date(now - 3_600_000),
    notAfter: new Date(now + VALID_MS),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.SubjectAlternativeNameExtension([
        { type: isAddress ? 'ip' : 'dns', value: hostname },
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
      ]),
    ],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  await writeFileAtomically(keyFile, pem('PRIVATE KEY', key), { mode: 0o600 });
  await writeFileAtomically(certFile, `${certificate.toString('pem')}\n`, { mode: 0o644 });
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
