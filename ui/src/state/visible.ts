// Whether anyone can see the page. A hidden tab asks for nothing.

type Listener = (shown: boolean) => void;
const listeners = new Set<Listener>();

export const visible = (): boolean => document.visibilityState !== "hidden";

export function onVisible(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

document.addEventListener("visibilitychange", () => {
  for (const listener of [...listeners]) listener(visible());
});
