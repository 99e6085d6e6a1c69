import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

// WCAG 2.2, 1.4.3: text 4.5 to 1; 1.4.11: what carries meaning 3 to 1.
const css = readFileSync(new URL("../src/style/tokens.css", import.meta.url), "utf8");
const TOKENS = new Map([...css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)].map((m) => [m[1] ?? "", [m[2] ?? "", m[3] ?? ""]]));

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const c = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function contrast(a: string, b: string, mode: number): number {
  const [x, y] = [a, b].map((name) => luminance(TOKENS.get(name)?.[mode] ?? "")).sort((p, q) => q - p) as [number, number];
  return (x + 0.05) / (y + 0.05);
}

const GROUNDS = ["ground", "sheet", "raised", "sunken", "hover", "accent-wash"];
const TEXTS = ["ink", "ink-soft", "ink-faint", "accent", "series-2", "series-4"];
const pairs = [
  ...GROUNDS.flatMap((g) => TEXTS.map((t) => [t, g, 4.5] as const)),
  ...["bad-wash", "warn-wash"].flatMap((g) => ["ink", "ink-soft"].map((t) => [t, g, 4.5] as const)),
  ["bad", "bad-wash", 4.5] as const, ["warn", "warn-wash", 4.5] as const, ["accent-ink", "accent", 4.5] as const, ["sheet", "bad", 4.5] as const,
  ...["good", "warn", "bad"].flatMap((t) => ["sheet", "ground", "raised"].map((g) => [t, g, 4.5] as const)),
  ...[1, 2, 3, 4, 5, 6].map((n) => [`series-${n}`, "sheet", 3] as const),
];

test.each(pairs)("%s on %s has %f to 1, light and dark", (text, ground, least) => {
  for (const mode of [0, 1]) expect(contrast(text, ground, mode), mode ? "dark" : "light").toBeGreaterThanOrEqual(least);
});
