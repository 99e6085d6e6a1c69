// Light, dark, or as the system says. Kept in this browser.
import { signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";
const KEY = "penstock.theme";
const system = matchMedia("(prefers-color-scheme: dark)");

function stored(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : "auto";
  } catch {
    return "auto";
  }
}

export const theme = signal<Theme>(stored());
/** Grows whenever colours may have changed: canvases redraw. */
export const paint = signal(0);

export function setTheme(next: Theme): void {
  theme.value = next;
  try {
    if (next === "auto") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, next);
  } catch {
    // Private windows may refuse: the choice then lasts as long as the page.
  }
  show();
}

export function nextTheme(): void {
  const dark = theme.value === "auto" ? system.matches : theme.value === "dark";
  const wanted: Theme = dark ? "light" : "dark";
  setTheme((wanted === "dark") === system.matches ? "auto" : wanted);
}

function show(): void {
  if (theme.value === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
  paint.value += 1;
}
system.addEventListener("change", show);
show();

const resolved = new Map<string, string>();
paint.subscribe(() => resolved.clear());

/** A token's colour as canvases understand it: `light-dark()` resolved by the browser, once until colours change. */
export function colour(token: string): string {
  const known = resolved.get(token);
  if (known) return known;
  const probe = document.createElement("span");
  probe.style.color = `var(--${token})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  resolved.set(token, value);
  return value;
}
