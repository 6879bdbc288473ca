import * as z from 'zod/mini';

export const Text = z.string().check(z.minLength(1));

export const Name = z.string().check(
  z.regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/, {
    error: 'must have 1 to 63 letters, digits, "_", "-" or ".", and must not begin with "-" or "."',
  }),
);

export const Port = z.int().check(z.minimum(1), z.maximum(65_535));

export const SslFiles = {
  mode: z._default(z.enum(['self-signed', 'off', 'files']), 'self-signed'),
  cert_file: z._default(z.nullable(Text), null),
  key_file: z._default(z.nullable(Text), null),
  ca_file: z._default(z.nullable(Text), null),
};

export const Log = z.prefault(
  z.strictObject({
    level: z._default(z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace']), 'info'),
    format: z._default(z.enum(['auto', 'json', 'text']), 'auto'),
  }),
  {},
);
