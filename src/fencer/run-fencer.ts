import { realpath } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { machineNow, sleep } from '../system/clock.ts';
import { lockPidFile, readPidFile } from '../system/pid-file.ts';
import { createWatchdog } from '../system/watchdog.ts';
import { endServer, isServerThere } from './end-server.ts';
import { endFencer } from './fencer-handle.ts';
import { toLine, type FencerOrder, type FencerSetup } from './fencer-protocol.ts';
import { createFencer, type Fencer } from './fencer.ts';
import { createServerView } from './server-view.ts';

const TAKE_OVER_MS = 2_000;

/** Guards one server over a line to its keeper, until there is nothing to guard and no keeper any more. */
export async function runFencer(input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Promise<void> {
  // A keeper that is gone reads nothing; the fencer goes on without it.
  output.on('error', () => undefined);
  let fencer: Fencer | undefined;
  let release: (() => Promise<void>) | undefined;
  for await (const line of createInterface({ input })) {
    const message = JSON.parse(line) as FencerSetup | FencerOrder;
    if (message.kind === 'setup') {
      fencer = await setUp(message, output);
      release = await takeOver(message.pidFile);
    } else fencer?.take(message);
  }
  fencer?.orphan();
  await fencer?.done;
  await release?.();
}

async function setUp(setup: FencerSetup, output: NodeJS.WritableStream): Promise<Fencer> {
  const dataDirectory = await realpath(setup.dataDirectory);
  const view = createServerView(dataDirectory, setup.access);
  return createFencer({
    now: machineNow,
    look: () => view.look(),
    stopLooking: () => view.close(),
    isServerThere: () => isServerThere(dataDirectory),
    end: () => endServer(dataDirectory),
    watchdog: setup.watchdog && {
      device: createWatchdog(setup.watchdog.device),
      marginMs: setup.watchdog.marginMs,
    },
    answer: (answer) => void output.write(toLine(answer)),
  });
}

/**
 * Ends the fencer of an earlier keeper: two would act on two deadlines, of
 * which one is renewed no more. Its watchdog goes on counting until this one
 * feeds it. The disk may hang or be full: then there are two, until the older
 * one sees that it is not needed.
 */
async function takeOver(pidFile: string): Promise<() => Promise<void>> {
  try {
    await endFencer(pidFile);
    const untilMs = machineNow() + TAKE_OVER_MS;
    while ((await readPidFile(pidFile)) !== undefined && machineNow() < untilMs) await sleep(10);
    const lock = await lockPidFile(pidFile);
    return () => lock.release();
  } catch (error) {
    process.stderr.write(`pgbaton: the fencer could not write "${pidFile}": ${(error as Error).message}\n`);
    return async () => undefined;
  }
}
