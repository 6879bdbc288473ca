import type { DatabaseSync } from 'node:sqlite';
import { BatonError } from '../lib/baton-error.ts';

/** The steps from an empty file to the present layout; `user_version` counts the ones that are done. Never edit one, add. */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE store (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    incarnation TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    forgotten   INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE entry (
    key     TEXT    PRIMARY KEY,
    value   TEXT    NOT NULL,
    version INTEGER NOT NULL,
    lease   INTEGER
  ) STRICT, WITHOUT ROWID;

  CREATE INDEX entry_by_lease ON entry (lease) WHERE lease IS NOT NULL;

  CREATE TABLE change (
    version INTEGER NOT NULL,
    key     TEXT    NOT NULL,
    value   TEXT,
    PRIMARY KEY (version, key)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE lease (
    id     INTEGER PRIMARY KEY,
    ttl_ms INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE note (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT    NOT NULL,
    at_ms INTEGER NOT NULL,
    text  TEXT    NOT NULL
  ) STRICT;

  CREATE INDEX note_by_topic ON note (topic, id);
  CREATE INDEX note_by_time ON note (at_ms);
  `,
  // The last column: what does not ask for it does not read the pages that it fills.
  'ALTER TABLE note ADD COLUMN details TEXT;',
];

/** Brings a file to the present layout. Throws BATON_STORE_UNAVAILABLE for one of a newer version. */
export function migrate(database: DatabaseSync, file: string, newIncarnation: () => string): void {
  const row = database.prepare('PRAGMA user_version').get();
  const done = Number(row?.['user_version'] ?? 0);
  if (done > MIGRATIONS.length) {
    throw new BatonError(
      'BATON_STORE_UNAVAILABLE',
      `the store "${file}" was written by a newer version of pgbaton`,
      {
        detail: `Its layout is ${done}, this version knows ${MIGRATIONS.length}.`,
        hint: 'Install the newer version again. The groups go on without a monitor meanwhile.',
      },
    );
  }
  for (const [index, statements] of MIGRATIONS.entries()) {
    if (index < done) continue;
    database.exec('BEGIN IMMEDIATE');
    database.exec(statements);
    if (index === 0) {
      database.prepare('INSERT INTO store VALUES (1, ?, 0, 0)').run(newIncarnation());
    }
    database.exec(`PRAGMA user_version = ${index + 1}`);
    database.exec('COMMIT');
  }
}
