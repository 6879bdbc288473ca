import { BatonError } from '../lib/baton-error.ts';

/** A report or a record of a large group is some kilobytes. */
const LINE_LIMIT = 16 * 1024 * 1024;

/** The lines of a stream of text, cut anywhere. Throws BATON_REFUSED when one grows beyond 16 MB. */
export async function* splitLines(stream: AsyncIterable<string>): AsyncGenerator<string, void, void> {
  let rest = '';
  for await (const piece of stream) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LINE_LIMIT) throw new BatonError('BATON_REFUSED', 'a line of more than 16 MB came in');
    yield* lines;
  }
}
