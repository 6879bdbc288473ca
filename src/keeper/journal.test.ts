import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { JOURNAL_FILE, openJournal } from './journal.ts';

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
};

test('what was written is there after the keeper was killed', () =>
  inDirectory(async (directory) => {
    const journal = await openJournal(directory);
    await journal.write({ pledge: PLEDGE });
    await journal.write({ promotedTerm: 4 });

    await journal.close();

    const { entry } = await openJournal(directory);
    assert.deepEqual(entry.pledge, PLEDGE);
    assert.equal(entry.promotedTerm, 4);
  }));

test('a line that a crash has cut off was never answered: what stands before it counts, and what comes later', () =>
  inDirectory(async (directory) => {
    const file = join(directory, JOURNAL_FILE);
    const journal = await openJournal(directory);
    await journal.write({ promotedTerm: 4 });
    await journal.write({ servingTerm: 4 });
    await journal.close();
    await appendFile(file, '0badc0de {"promotedTerm":5,');

    const again = await openJournal(directory);
    assert.equal(again.entry.promotedTerm, 4);
    await again.write({ restartsUsed: 1 });
    await again.close();
    const { entry } = await openJournal(directory);
    assert.deepEqual([entry.promotedTerm, entry.servingTerm, entry.restartsUsed], [4, 4, 1]);
  }));

test('the file does not grow without end, and forgets nothing', () =>
  inDirectory(async (directory) => {
    const journal = await openJournal(directory);
    await journal.write({ pledge: PLEDGE });
    const long = Array.from({ length: 2_000 }, () => PLEDGE.history[0]!);
    for (let term = 1; term <= 30; term++)
      await journal.write({ pledge: { ...PLEDGE, term, history: long } });
    await journal.close();

    assert.ok((await stat(join(directory, JOURNAL_FILE))).size < 2 * 1024 * 1024);
    assert.equal((await openJournal(directory)).entry.pledge?.term, 30);
  }));

test('writes that overlap end with everything on disk', () =>
  inDirectory(async (directory) => {
    const journal = await openJournal(directory);
    await Promise.all([
      journal.write({ servingTerm: 1 }),
      journal.write({ restartsUsed: 2 }),
      journal.write({ servingTerm: 3 }),
    ]);

    await journal.close();

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
    await assert.rejects(journal.write({ servingTerm: 4 }), {
      code: 'BATON_DATA_DIRECTORY',
      message: `the journal "${join(directory, JOURNAL_FILE)}" can't be written`,
    });
    assert.equal(journal.durable.servingTerm, null);
    await mkdir(directory);
    await journal.write({});
    assert.equal(journal.durable.servingTerm, 4);
    await journal.close();
  }));

test('only its owner can read it', () =>
  inDirectory(async (directory) => {
    const journal = await openJournal(directory);
    await journal.write({ promotedTerm: 1 });
    await journal.close();
    assert.equal((await stat(join(directory, JOURNAL_FILE))).mode & 0o777, 0o600);
  }));

test('a damaged journal is refused and left as it is: it may hold a promise', () =>
  inDirectory(async (directory) => {
    const file = join(directory, JOURNAL_FILE);
    for (const text of ['', '0badc0de {"pled', '0badc0de {"promotedTerm":5}\n']) {
      await writeFile(file, text);
      await assert.rejects(openJournal(directory), { code: 'BATON_DATA_DIRECTORY' });
      assert.equal(await readFile(file, 'utf8'), text);
    }
  }));
