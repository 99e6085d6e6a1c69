// A source of dead letters: a topic, or a queue, which is called queue:NAME, or queue@VHOST:NAME. Knows names; asks for nothing.
const QUEUE = /^queue(?:@([^:]*))?:/;

export const isQueue = (source: string): boolean => QUEUE.test(source);
export const plainName = (source: string): string => source.replace(QUEUE, "");
/** A queue as a source. */
export const sourceOf = (queue: { vhost: string; name: string }): string => `${queue.vhost === "/" ? "queue" : `queue@${encodeURIComponent(queue.vhost)}`}:${queue.name}`;
/** A queue's virtual host. */
export const vhostOf = (source: string): string => decodeURIComponent(QUEUE.exec(source)?.[1] ?? "/");

/** As a part of a path. A queue's name is escaped once more: a slash in it would not survive there. */
export const sourcePart = (source: string): string => {
  const before = QUEUE.exec(source)?.[0];
  return encodeURIComponent(before ? before + encodeURIComponent(plainName(source)) : source);
};

/** A source and one of its letters as panels are opened by, and back: a letter of a topic has a colon in its name, a queue's has none. */
export const letterKey = (source: string, letter: string): string => `${source}:${letter}`;
export function letterOf(key: string): [source: string, letter: string] {
  const at = isQueue(key) ? key.lastIndexOf(":") : key.indexOf(":");
  return [key.slice(0, at), key.slice(at + 1)];
}
