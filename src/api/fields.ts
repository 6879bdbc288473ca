import * as z from 'zod/mini';

/** The name of a formation or node: it goes into URLs, file names and connection settings. */
export const Name = z.string().check(
  z.regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/, {
    error: 'must have 1 to 63 letters, digits, "_", "-" or ".", and must not begin with "-" or "."',
  }),
);

/** A host name or address as libpq takes it: no spaces, no commas, no URI syntax. */
export const Host = z
  .string()
  .check(z.regex(/^[A-Za-z0-9_.:%-]{1,253}$/, { error: 'must be a host name or an IP address' }));

export const Port = z.int().check(z.minimum(1), z.maximum(65_535));

export const CandidatePriority = z.int().check(z.minimum(0), z.maximum(100));

export const DatabaseName = z
  .string()
  .check(
    z.regex(/^[^\p{Cc}/?#&]{1,63}$/u, { error: 'must have 1 to 63 characters that can stand in a URI' }),
  );

export const NumberSyncStandbys = z.int().check(z.minimum(0), z.maximum(32));

/** As PostgreSQL prints it: a 64-bit number, kept as text. */
export const SystemIdentifier = z
  .string()
  .check(z.regex(/^\d{1,20}$/, { error: 'must be a PostgreSQL system identifier (digits)' }));

export const LsnText = z
  .string()
  .check(z.regex(/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/i, { error: 'must be an LSN' }));

/** Ids, terms, versions, timelines: whole numbers that start at 0. */
export const Counter = z.int().check(z.minimum(0));

/** Text that people read; bounded, so that no report fills the store. */
export const Sentence = z.string().check(z.maxLength(2_000));
