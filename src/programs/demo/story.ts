import type { EventBody } from '../../api/schemas.ts';
import type { TextSink } from './demo-options.ts';

/** Tells the demo line by line, each with the time since its chapter began. */
export interface Story {
  chapter(title: string): void;
  /** Lets the times of the next lines count from now. */
  countFromNow(): void;
  line(text: string): void;
  plain(text: string): void;
  /** Tells what the group decides, as it comes in. */
  event(event: EventBody): void;
  /** Another row of the writer was acknowledged. Told only after a long pause, and when asked for. */
  acknowledged(sinceLastMs: number): void;
  tellGaps(tell: boolean): void;
}

/** A pause of the writer that is worth a line, ms. */
const NOTABLE_GAP_MS = 150;

export function createStory(sink: TextSink): Story {
  let beganMs = performance.now();
  let tellsGaps = false;
  const line = (text: string): void => {
    const elapsed = ((performance.now() - beganMs) / 1_000).toFixed(2).padStart(7);
    sink.write(`${elapsed} s  ${text}\n`);
  };
  return {
    line,
    chapter(title) {
      beganMs = performance.now();
      sink.write(`\n${title}\n`);
    },
    countFromNow: () => (beganMs = performance.now()),
    plain: (text) => void sink.write(`${text}\n`),
    event({ kind, because }) {
      // The changes of states follow from the decisions, and would tell everything twice.
      if (kind === 'decision') line(because);
    },
    acknowledged(sinceLastMs) {
      if (tellsGaps && sinceLastMs > NOTABLE_GAP_MS)
        line(`the writer had no acknowledgement for ${(sinceLastMs / 1_000).toFixed(2)} s`);
    },
    tellGaps: (tell) => (tellsGaps = tell),
  };
}
