// Lets the pulses walk along the arrows: all of them at once, ten times a second. An animation of CSS would have the page painted
// sixty times a second for it; this picture stays open all day, and a laptop's fan is part of the design.
import { calmMotion } from "../state/clock";
import { onVisible, visible } from "../state/visible";

/** Of a path reckoned as 100 long. */
export const PULSE_APART = 50;
const BEAT_MS = 100;

export function beat(place: HTMLElement): () => void {
  let count = 0;
  let timer = 0;
  const step = () => {
    count += 1;
    for (const path of place.querySelectorAll<SVGPathElement>(".pulse")) {
      const beats = Number(path.dataset.beats) || 20;
      path.style.strokeDashoffset = String(PULSE_APART * (1 - (count % beats) / beats));
    }
  };
  const wake = () => {
    clearInterval(timer);
    if (visible() && !calmMotion.matches) timer = window.setInterval(step, BEAT_MS);
  };
  const off = onVisible(wake);
  calmMotion.addEventListener("change", wake);
  wake();
  return () => {
    off();
    calmMotion.removeEventListener("change", wake);
    clearInterval(timer);
  };
}
