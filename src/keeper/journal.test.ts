import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openJournal } from './journal.ts';

async function inDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'pgbaton-journal-'));
  try {
    await run(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

const PLEDGE = {
  term: 4,
  position: { timeline: 2, lsn: '0/5000000' },
  history: [{ timeline: 1, end: '0/3000000' }],
  provenTerm: 3,
  markerTerm: 3,
};

test('what was written is there after the keeper was killed', () =>
  inDirectory(async (directory) => {
    const journal = await openJournal(directory);
    await journal.write({ pledge: PLEDGE });
    await journal.write({ promotedTerm: 4 });

    const { entry } = await openJournal(directory);
    assert.deepEqual(entry.pledge, PLEDGE);
    assert.equal(entry.promotedTerm, 4);
  }));

test('writes that overlap end with everything on disk', () =>
  inDirectory(async (directory) => {
    const journal = await openJournal(directory);
    await Promise.all([
      journal.write({ servingTerm: 1 }),
      journal.write({ restartsUsed: 2 }),
      journal.write({ servingTerm: 3 }),
    ]);

    const { entry } = await openJournal(directory);
    assert.equal(entry.servingTerm, 3);
    assert.equal(entry.restartsUsed, 2);
  }));

test('what is not on disk yet is not told to others', () =>
  inDirectory(async (directory) => {
    const journal = await openJournal(directory);
    const writing = journal.write({ pledge: PLEDGE });
    assert.deepEqual([journal.entry.pledge, journal.durable.pledge], [PLEDGE, null]);
    await writing;
    assert.deepEqual(journal.durable.pledge, PLEDGE);

    await rm(directory, { recursive: true });
    await assert.rejects(journal.write({ servingTerm: 4 }));
    assert.equal(journal.durable.servingTerm, null);
    await mkdir(directory);
    await journal.write({});
    assert.equal(journal.durable.servingTerm, 4);
  }));

test('only its owner can read it', () =>
  inDirectory(async (directory) => {
    await (await openJournal(directory)).write({ promotedTerm: 1 });
    assert.equal((await stat(join(directory, 'journal.json'))).mode & 0o777, 0o600);
  }));

test('a damaged journal is refused and left as it is: it may hold a promise', () =>
  inDirectory(async (directory) => {
    const file = join(directory, 'journal.json');
    await writeFile(file, '{"schemaVersion":1,"pled');
    await assert.rejects(openJournal(directory), { code: 'BATON_DATA_DIRECTORY' });
    assert.equal(await readFile(file, 'utf8'), '{"schemaVersion":1,"pled');
  }));
