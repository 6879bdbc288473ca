import assert from 'node:assert/strict';
import { mock, test, type TestContext } from 'node:test';
import { createFencer, type Fencer, type FencerDependencies, type ServerLook } from './fencer.ts';
import type { FencerAnswer, Guard, Spare } from './fencer-protocol.ts';

const QUORUM: Spare = { quorums: [{ count: 1, names: ['pgbaton_2@7', 'pgbaton_3@7'] }], patienceMs: 3_000 };
const FOLLOWED: ServerLook = { isClosed: false, streaming: ['pgbaton_3@7'] };
const LONELY: ServerLook = { isClosed: false, streaming: ['pgbaton_3@8'] };

interface Scene {
  readonly fencer: Fencer;
  readonly answers: FencerAnswer[];
  readonly fed: string[];
  /** What the next looks see; undefined: the server does not answer. */
  sees: ServerLook | undefined;
  isThere: boolean;
  /** Whether SIGKILL ends it. */
  isMortal: boolean;
  isEnded(): boolean;
  guard(inMs: number, spare: Spare | null): void;
  /** Lets time pass, in steps, so that what waits for a promise gets its turn. */
  pass(ms: number): Promise<void>;
}

function aScene(context: TestContext, marginMs = 5_000): Scene {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  context.after(() => mock.timers.reset());
  let nowMs = 1_000_000;
  let ended = false;
  const answers: FencerAnswer[] = [];
  const fed: string[] = [];
  const deps: FencerDependencies = {
    now: () => nowMs,
    async look() {
      if (scene.sees === undefined) throw new Error('no answer');
      return scene.sees;
    },
    stopLooking: () => undefined,
    isServerThere: () => scene.isThere,
    async end() {
      ended = scene.isMortal;
      if (ended) scene.isThere = false;
      return ended;
    },
    watchdog: { device: { feed: () => void fed.push('1'), disarm: () => void fed.push('V') }, marginMs },
    answer: (answer) => void answers.push(answer),
  };
  const fencer = createFencer(deps);
  const scene: Scene = {
    fencer,
    answers,
    fed,
    sees: FOLLOWED,
    isThere: true,
    isMortal: true,
    isEnded: () => ended,
    guard(inMs, spare) {
      const guard: Guard = { kind: 'guard', term: 7, untilMs: nowMs + inMs, spare };
      fencer.take(guard);
    },
    async pass(ms) {
      for (let passed = 0; passed < ms; passed += 100) {
        nowMs += 100;
        mock.timers.tick(100);
        for (let turn = 0; turn < 5; turn++) await Promise.resolve();
      }
    },
  };
  return scene;
}

test('a server whose guard is renewed lives', async (context) => {
  const scene = aScene(context);
  for (let time = 0; time < 10; time++) {
    scene.guard(3_000, null);
    await scene.pass(2_000);
  }
  assert.equal(scene.isEnded(), false);
});

test('at the end of a hard deadline it is ended, and not before', async (context) => {
  const scene = aScene(context);
  scene.guard(3_000, null);
  await scene.pass(2_900);
  assert.equal(scene.isEnded(), false);
  await scene.pass(200);
  assert.equal(scene.isEnded(), true);
  assert.deepEqual(
    scene.answers.map(({ kind }) => kind),
    ['heard', 'ending', 'ended'],
  );
});

test('while enough voters stream in its term it is spared, however long the keeper is silent', async (context) => {
  const scene = aScene(context);
  scene.guard(3_000, QUORUM);
  await scene.pass(60_000);
  assert.equal(scene.isEnded(), false);
});

test('when the voters have gone to another term it is ended after some patience', async (context) => {
  const scene = aScene(context);
  scene.guard(3_000, QUORUM);
  scene.sees = LONELY;
  await scene.pass(5_900);
  assert.equal(scene.isEnded(), false);
  await scene.pass(1_200);
  assert.equal(scene.isEnded(), true);
});

test('voters that come back in time save it', async (context) => {
  const scene = aScene(context);
  scene.guard(3_000, QUORUM);
  for (let time = 0; time < 10; time++) {
    scene.sees = LONELY;
    await scene.pass(2_000);
    scene.sees = FOLLOWED;
    await scene.pass(2_000);
  }
  assert.equal(scene.isEnded(), false);
});

test('a server that answers nothing any more is no server with voters', async (context) => {
  const scene = aScene(context);
  scene.guard(3_000, QUORUM);
  await scene.pass(1_000);
  scene.sees = undefined;
  await scene.pass(7_000);
  assert.equal(scene.isEnded(), true);
});

test('a fencer that could never look does not act on its own blindness, and says so', async (context) => {
  const scene = aScene(context);
  scene.sees = undefined;
  scene.guard(3_000, QUORUM);
  await scene.pass(30_000);
  assert.equal(scene.isEnded(), false);
  assert.deepEqual(
    scene.answers.filter(({ kind }) => kind === 'problem').map(({ because }) => because),
    ["the fencer can't look at PostgreSQL: no answer"],
  );
});

test('a server that shuts down, or that somebody started again as a standby, is left alone', async (context) => {
  const scene = aScene(context);
  scene.guard(3_000, QUORUM);
  scene.sees = { isClosed: true, streaming: [] };
  await scene.pass(30_000);
  assert.equal(scene.isEnded(), false);
});

test('what is released lives, and its watchdog is closed on purpose', async (context) => {
  const scene = aScene(context);
  scene.guard(3_000, null);
  await scene.pass(2_000);
  scene.fencer.take({ kind: 'release' });
  await scene.pass(10_000);
  assert.equal(scene.isEnded(), false);
  assert.deepEqual(scene.fed, ['1', '1', '1', 'V']);
});

test('the watchdog is fed while the server is spared, and no more when its processes do not end', async (context) => {
  const scene = aScene(context);
  scene.isMortal = false;
  scene.guard(3_000, null);
  await scene.pass(30_000);
  assert.equal(scene.isEnded(), false);
  // Once at first, each second until the deadline, and for the margin after it.
  assert.equal(scene.fed.join(''), '1'.repeat(1 + 3 + 5));
  assert.ok(scene.answers.some(({ because }) => /hang in the kernel/.test(because)));
});

test('without a keeper it stays until there is no server any more', async (context) => {
  const scene = aScene(context);
  let isDone = false;
  void scene.fencer.done.then(() => (isDone = true));
  scene.guard(3_000, QUORUM);
  scene.fencer.orphan();
  await scene.pass(10_000);
  assert.equal(isDone, false);
  scene.isThere = false;
  await scene.pass(2_000);
  assert.equal(isDone, true);
});
