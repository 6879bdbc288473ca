import type { GroupAddress, MonitorClient } from '../../api/client.ts';
import type { EventBody } from '../../api/schemas.ts';
import { BatonError, toBatonError } from '../../lib/baton-error.ts';
import type { CliContext } from '../cli-context.ts';
import { afterWatchEvent, withAnswer, type GroupState } from '../group-state.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import { openLiveScreen } from './live-screen.ts';
import { renderWatchView } from './render-watch-view.ts';

/** States come by themselves; what has to be asked for is how old and how far behind they are, ms. */
const ASK_EVERY_MS = 1_000;
const EVENTS_KEPT = 200;

/** Shows a group live until q, Ctrl-C or a signal. Throws BATON_USAGE when there is no terminal. */
export async function watchGroupLive(
  context: CliContext,
  client: MonitorClient,
  address: GroupAddress,
): Promise<void> {
  const { terminal } = context;
  if (terminal === undefined) {
    throw new BatonError('BATON_USAGE', 'there is no terminal to draw on', {
      hint: '"pgbaton show events --watch" prints plain lines.',
    });
  }
  // Before the screen is taken over: a wrong formation is an ordinary error.
  let state: GroupState = withAnswer(undefined, await client.getGroup(address));
  let events: readonly EventBody[] = await client.listEvents({ ...address, count: EVENTS_KEPT });
  let trouble: string | undefined;
  const screen = openLiveScreen(terminal);

  function draw(): void {
    if (terminal === undefined) return;
    const { record, nodes } = state;
    const view = { ...address, record, nodes, events, trouble, now: context.clock.now() };
    screen.draw(renderWatchView(view, terminal));
  }

  async function ask(): Promise<void> {
    try {
      state = withAnswer(state, await client.getGroup(address, { timeoutMs: 2 * ASK_EVERY_MS }));
      trouble = undefined;
    } catch (error) {
      trouble = toBatonError(error).message;
    }
    draw();
  }

  await untilInterrupted(context, async (interrupted) => {
    const quit = new AbortController();
    const signal = AbortSignal.any([interrupted, quit.signal]);
    const releaseKeys = terminal.onKey((key) => {
      if (key === 'q' || key === 'Q' || key === '\u0003') quit.abort();
    });
    const releaseSize = terminal.onResize(draw);
    const timer = setInterval(() => void ask(), ASK_EVERY_MS);
    try {
      draw();
      for await (const message of client.watchGroup(address, signal)) {
        if (message.kind === 'disconnected') trouble = message.error.message;
        else if (message.kind === 'connected') trouble = undefined;
        else if (message.kind === 'event') events = withEvent(events, message.event);
        state = afterWatchEvent(state, message);
        draw();
      }
    } finally {
      clearInterval(timer);
      releaseKeys();
      releaseSize();
      screen.close();
    }
  });
}

/** A reconnect repeats what may have been missed. */
function withEvent(events: readonly EventBody[], event: EventBody): readonly EventBody[] {
  return events.some(({ id }) => id === event.id) ? events : [...events, event].slice(-EVENTS_KEPT);
}
