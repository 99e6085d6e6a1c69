// Keys that work everywhere: Ctrl/Cmd-K finds anything, / searches the page, Escape closes what is open.
import { go, params, withParams } from "../state/route";
import { closePalette, openPalette, paletteOpen } from "./palette";

const writing = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

function press(event: KeyboardEvent): void {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    if (paletteOpen.value) closePalette();
    else openPalette();
  } else if (event.key === "/" && !writing(event.target) && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    const search = document.querySelector<HTMLInputElement>("main input[type=search]");
    if (search) search.focus();
    else openPalette();
  } else if (event.key === "Escape") {
    if (paletteOpen.value) closePalette();
    else if (writing(event.target)) (event.target as HTMLElement).blur();
    else if (params.value.has("open")) go(withParams({ open: null }));
  }
}

export function keys(): () => void {
  addEventListener("keydown", press);
  return () => removeEventListener("keydown", press);
}
