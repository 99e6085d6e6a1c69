// The second that pages show relative times against, and the frame that updates are batched to.
import { signal } from "@preact/signals";
import { onVisible, visible } from "./visible";

export const now = signal(Date.now());

let timer = 0;
function tick(): void {
  clearTimeout(timer);
  now.value = Date.now();
  if (visible()) timer = window.setTimeout(tick, 1000);
}
onVisible(tick);
tick();

/** Runs `work` once in the next animation frame however often it is asked for before. */
export function perFrame(work: () => void): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      work();
    });
  };
}

export const calmMotion = matchMedia("(prefers-reduced-motion: reduce)");
