/** A pause that can be cut short. */
export interface Alarm {
  /** Ends the present wait, or the next one if nobody waits. */
  ring(): void;
  wait(atMostMs: number): Promise<void>;
}

export function createAlarm(): Alarm {
  let rung = false;
  let waiter: (() => void) | undefined;
  return {
    ring() {
      rung = true;
      waiter?.();
    },
    async wait(atMostMs) {
      if (!rung) {
        const { promise, resolve } = Promise.withResolvers<void>();
        const timer = setTimeout(resolve, atMostMs);
        waiter = resolve;
        await promise;
        waiter = undefined;
        clearTimeout(timer);
      }
      rung = false;
    },
  };
}
