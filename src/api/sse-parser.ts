import { BatonError } from '../lib/baton-error.ts';

/** One message of a text/event-stream. */
export interface SseMessage {
  readonly event: string;
  readonly data: string;
  /** The id of this message; undefined when it has none. */
  readonly id: string | undefined;
}

/** Records grow with the group, not with its data: a longer message is not from a monitor. */
const MESSAGE_LIMIT = 16 * 1024 * 1024;

/**
 * Turns the pieces of a stream, cut anywhere, into messages. Comments (lines
 * that begin with ":") keep the connection alive and are dropped. Throws
 * BATON_REFUSED when a message grows beyond 16 MB.
 */
export function createSseParser(): { feed(piece: string): readonly SseMessage[] } {
  let rest = '';
  return {
    feed(piece) {
      const blocks = (rest + piece).replaceAll('\r\n', '\n').split('\n\n');
      rest = blocks.pop() ?? '';
      if (rest.length > MESSAGE_LIMIT) {
        throw new BatonError('BATON_REFUSED', 'the monitor sent a message of more than 16 MB');
      }
      return blocks.map(parseBlock).filter((message) => message !== undefined);
    },
  };
}

function parseBlock(block: string): SseMessage | undefined {
  let event = 'message';
  let id: string | undefined;
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    if (colon === 0) continue;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') event = value;
    else if (field === 'data') data.push(value);
    else if (field === 'id') id = value;
  }
  return data.length === 0 ? undefined : { event, data: data.join('\n'), id };
}
