import { mkdirSync, writeFileSync } from 'node:fs';
import { webcrypto } from 'node:crypto';
import { join } from 'node:path';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';

/** A certificate authority of a test; everything it makes lies in one directory. */
export interface TestCa {
  /** The file with the CA's own certificate. */
  readonly file: string;
  /** A certificate for 127.0.0.1, which also serves a client under this common name. */
  issue(commonName: string): Promise<{ readonly cert: string; readonly key: string }>;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;

export async function createTestCa(directory: string): Promise<TestCa> {
  mkdirSync(directory, { recursive: true });
  x509.cryptoProvider.set('tests', webcrypto as Parameters<typeof x509.cryptoProvider.set>[1]);
  const caKeys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const validity = { notBefore: new Date(Date.now() - DAY_MS), notAfter: new Date(Date.now() + DAY_MS) };
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity,
    serialNumber: '01',
    name: 'CN=a CA of tests',
    signingAlgorithm: ALGORITHM,
    keys: caKeys,
    extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
  });
  const file = join(directory, 'ca.crt');
  writeFileSync(file, ca.toString('pem'));
  let serial = 1;
  return {
    file,
    async issue(commonName) {
      const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
      const certificate = await x509.X509CertificateGenerator.create({
        ...validity,
        serialNumber: String(++serial).padStart(2, '0'),
        subject: `CN=${commonName}`,
        issuer: ca.subject,
        signingAlgorithm: ALGORITHM,
        signingKey: caKeys.privateKey,
        publicKey: keys.publicKey,
        extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])],
      });
      const der = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
      const files = { cert: join(directory, `${commonName}.crt`), key: join(directory, `${commonName}.key`) };
      writeFileSync(files.cert, certificate.toString('pem'));
      writeFileSync(files.key, x509.PemConverter.encode(der, 'PRIVATE KEY'), { mode: 0o600 });
      return files;
    },
  };
}
