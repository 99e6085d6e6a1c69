// A source of dead letters: a topic, or a queue, which is called queue:NAME. Knows names; asks for nothing.
const PREFIX = "queue:";

export const isQueue = (source: string): boolean => source.startsWith(PREFIX);
export const plainName = (source: string): string => (isQueue(source) ? source.slice(PREFIX.length) : source);

/** As a part of a path. A queue's name is escaped once more: a slash in it would not survive there. */
export const sourcePart = (source: string): string => encodeURIComponent(isQueue(source) ? PREFIX + encodeURIComponent(plainName(source)) : source);

/** A source and one of its letters as panels are opened by, and back: a letter of a topic has a colon in its name, a queue's has none. */
export const letterKey = (source: string, letter: string): string => `${source}:${letter}`;
export function letterOf(key: string): [source: string, letter: string] {
  const at = isQueue(key) ? key.lastIndexOf(":") : key.indexOf(":");
  return [key.slice(0, at), key.slice(at + 1)];
}
