/**
 * Puts a text between the marks of its part of a document, so that two
 * programs can each keep their own part of it; at the end when it is new.
 */
export function replacePart(document: string, part: string, text: string): string {
  const [begin, end] = [`<!-- part: ${part} -->`, `<!-- end of part: ${part} -->`];
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  const marked = `${begin}\n\n${text.trim()}\n\n${end}\n`;
  if (from < 0 || to < from) return `${document.trimEnd()}\n\n${marked}`.trimStart();
  return document.slice(0, from) + marked.trimEnd() + document.slice(to + end.length);
}

/** The parts of a document that others keep: all that is marked. */
export function otherParts(document: string): string {
  return [...document.matchAll(/<!-- part: (.+) -->[\s\S]*<!-- end of part: \1 -->/g)]
    .map(([part]) => part)
    .join('\n\n');
}
