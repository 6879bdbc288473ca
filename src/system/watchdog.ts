import { accessSync, closeSync, constants, openSync, writeSync } from 'node:fs';

/**
 * A kernel watchdog, as Linux has it in /dev/watchdog: it resets the machine
 * when it has been opened and then not been written to for its time-out. The
 * time-out is the driver's own.
 */
export interface Watchdog {
  /** Arms it when it is not armed, and starts its time anew. Throws the error of the system. */
  feed(): void;
  /** Closes it so that it does not reset the machine; a driver with `nowayout` goes on all the same. */
  disarm(): void;
}

const ALIVE = '1';
/** What a driver takes for a close on purpose: anything else it takes for a crash of the one who feeds it. */
const MAGIC_CLOSE = 'V';

export function createWatchdog(device: string): Watchdog {
  let descriptor: number | undefined;
  return {
    feed() {
      // Without waiting: a device answers at once, and a FIFO in its place may have no reader.
      descriptor ??= openSync(device, constants.O_WRONLY | constants.O_NONBLOCK);
      writeSync(descriptor, ALIVE);
    },
    disarm() {
      if (descriptor === undefined) return;
      const armed = descriptor;
      descriptor = undefined;
      try {
        writeSync(armed, MAGIC_CLOSE);
      } finally {
        closeSync(armed);
      }
    },
  };
}

/** Why a watchdog can't be used, a sentence; null when it can. Does not arm it. */
export function watchdogProblem(device: string): string | null {
  try {
    accessSync(device, constants.W_OK);
    return null;
  } catch (error) {
    return `the watchdog "${device}" can't be used: ${(error as Error).message}`;
  }
}
