import { randomUUID } from 'node:crypto';
import { DatabaseSync, type StatementSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite';
import { REMEMBERED_COMMITS, type Backend, type Commit, type PastCommit } from './backend.ts';
import { migrate } from './sqlite-schema.ts';
import { toStoreError } from './sqlite-error.ts';
import type { WatchedChange } from './store.ts';

type Row = Record<string, SQLOutputValue>;

/** Opens the file, or makes it. The lock on it is held until it is closed or the process ends. */
export function openSqliteBackend(file: string): Backend {
  const database = open(file);
  const incarnation = String(database.prepare('SELECT incarnation FROM store').get()?.['incarnation']);
  const statements = prepare(database);
  let version = Number(statements.version.get()?.['version'] ?? 0);

  /** Runs a read or a write and says what a failure means; whether a failed COMMIT was written is not known. */
  function guarded<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      if (database.isOpen && database.isTransaction) rollBack(database);
      throw toStoreError(error, file);
    }
  }

  function all(statement: StatementSync, ...values: SQLInputValue[]): Row[] {
    return guarded(() => statement.all(...values));
  }

  return {
    incarnation,
    version: () => version,
    read(key) {
      const row = all(statements.read, key)[0];
      return row && { value: String(row['value']), version: Number(row['version']) };
    },
    list: (prefix) =>
      all(statements.list, prefix, prefix).map((row) => ({
        key: String(row['key']),
        value: String(row['value']),
        version: Number(row['version']),
      })),
    commit(commit) {
      const noteIds = guarded(() => write(database, statements, commit));
      version = commit.version;
      return noteIds;
    },
    commitsAfter(from) {
      const forgotten = Number(all(statements.version)[0]?.['forgotten'] ?? 0);
      return from < forgotten ? undefined : groupByVersion(all(statements.changesAfter, from));
    },
    leases: () =>
      all(statements.leases).map((row) => ({ id: Number(row['id']), ttlMs: Number(row['ttl_ms']) })),
    keysOfLease: (lease) => all(statements.keysOfLease, lease).map((row) => String(row['key'])),
    readNotes({ topic, after = 0, before = Number.MAX_SAFE_INTEGER, limit, details = false }) {
      const { notes, notesOfTopic } = details ? statements.detailed : statements;
      const rows =
        topic === undefined
          ? all(notes, after, before, limit)
          : all(notesOfTopic, topic, topic, topic, after, before, limit);
      return rows
        .map((row) => ({
          id: Number(row['id']),
          topic: String(row['topic']),
          atMs: Number(row['at_ms']),
          text: String(row['text']),
          ...(row['details'] == null ? {} : { details: String(row['details']) }),
        }))
        .reverse();
    },
    trimNotes: ({ olderThanMs, keep }) =>
      guarded(
        () =>
          Number(statements.trimByTime.run(olderThanMs).changes) +
          Number(statements.trimByCount.run(keep).changes),
      ),
    close: () => database.close(),
  };
}

function open(file: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    // The lock shuts out a second monitor on the same directory, whatever became of the pid file.
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    database.exec('PRAGMA journal_mode = WAL');
    // FULL: each commit is synced, so what was answered survives a power cut.
    database.exec('PRAGMA synchronous = FULL');
    database.exec('PRAGMA journal_size_limit = 16777216');
    database.exec('BEGIN EXCLUSIVE; COMMIT');
    migrate(database, file, randomUUID);
    return database;
  } catch (error) {
    if (database?.isOpen) database.close();
    throw toStoreError(error, file);
  }
}

type Statements = ReturnType<typeof prepare>;

function prepare(database: DatabaseSync) {
  return {
    version: database.prepare('SELECT version, forgotten FROM store'),
    setVersion: database.prepare('UPDATE store SET version = ?, forgotten = max(forgotten, ?)'),
    read: database.prepare('SELECT value, version FROM entry WHERE key = ?'),
    // substr and not LIKE: keys may contain % and _.
    list: database.prepare(
      'SELECT key, value, version FROM entry WHERE substr(key, 1, length(?)) = ? ORDER BY key',
    ),
    put: database.prepare('INSERT OR REPLACE INTO entry (key, value, version, lease) VALUES (?, ?, ?, ?)'),
    remove: database.prepare('DELETE FROM entry WHERE key = ?'),
    addChange: database.prepare('INSERT INTO change (version, key, value) VALUES (?, ?, ?)'),
    changesAfter: database.prepare(
      'SELECT version, key, value FROM change WHERE version > ? ORDER BY version',
    ),
    forgetChanges: database.prepare('DELETE FROM change WHERE version <= ?'),
    leases: database.prepare('SELECT id, ttl_ms FROM lease'),
    keysOfLease: database.prepare('SELECT key FROM entry WHERE lease = ?'),
    addLease: database.prepare('INSERT INTO lease (id, ttl_ms) VALUES (?, ?)'),
    removeLease: database.prepare('DELETE FROM lease WHERE id = ?'),
    addNote: database.prepare('INSERT INTO note (topic, at_ms, text, details) VALUES (?, ?, ?, ?)'),
    ...prepareNotes(database, 'id, topic, at_ms, text'),
    detailed: prepareNotes(database, 'id, topic, at_ms, text, details'),
    trimByTime: database.prepare('DELETE FROM note WHERE at_ms < ?'),
    trimByCount: database.prepare(
      'DELETE FROM note WHERE id <= (SELECT id FROM note ORDER BY id DESC LIMIT 1 OFFSET ?)',
    ),
  };
}

function prepareNotes(database: DatabaseSync, columns: string) {
  // substr and not LIKE: topics may contain % and _.
  const topicMatches = `(topic = ? OR substr(topic, 1, length(?) + 1) = ? || '/')`;
  const some = 'id > ? AND id < ? ORDER BY id DESC LIMIT ?';
  return {
    notes: database.prepare(`SELECT ${columns} FROM note WHERE ${some}`),
    notesOfTopic: database.prepare(`SELECT ${columns} FROM note WHERE ${topicMatches} AND ${some}`),
  };
}

function write(database: DatabaseSync, statements: Statements, commit: Commit): readonly number[] {
  const forgotten = commit.version - REMEMBERED_COMMITS;
  database.exec('BEGIN IMMEDIATE');
  for (const { key, value, lease } of commit.changes) {
    if (value === null) statements.remove.run(key);
    else statements.put.run(key, value, commit.version, lease);
    statements.addChange.run(commit.version, key, value);
  }
  if (commit.leaseGranted) statements.addLease.run(commit.leaseGranted.id, commit.leaseGranted.ttlMs);
  if (commit.leaseEnded !== undefined) statements.removeLease.run(commit.leaseEnded);
  const noteIds = commit.notes.map((note) =>
    Number(statements.addNote.run(note.topic, note.atMs, note.text, note.details ?? null).lastInsertRowid),
  );
  if (forgotten > 0) statements.forgetChanges.run(forgotten);
  statements.setVersion.run(commit.version, Math.max(0, forgotten));
  database.exec('COMMIT');
  return noteIds;
}

function rollBack(database: DatabaseSync): void {
  try {
    database.exec('ROLLBACK');
  } catch {
    // SQLite has rolled back by itself (disk full, I/O error); the first error is the one to tell.
  }
}

function groupByVersion(rows: readonly Row[]): readonly PastCommit[] {
  const commits = new Map<number, WatchedChange[]>();
  for (const row of rows) {
    const version = Number(row['version']);
    const change = { key: String(row['key']), value: row['value'] === null ? null : String(row['value']) };
    commits.set(version, [...(commits.get(version) ?? []), change]);
  }
  return [...commits].map(([version, changes]) => ({ version, changes }));
}
