// Which line of the demo's SQL to change, and why. Pure.

/** The line to change: the one below a comment that says "change", else the one with the window's length. */
export function lineToChange(sql: string): { line: number; text: string; advice: string } | null {
  const lines = sql.split("\n");
  const comment = lines.findIndex((line) => /^\s*--.*\bchange\b/i.test(line));
  if (comment >= 0) {
    const below = lines.findIndex((line, at) => at > comment && line.trim() !== "" && !/^\s*--/.test(line));
    const words = lines.slice(comment, Math.max(below, comment + 1)).map((line) => line.replace(/^\s*--\s?/, ""));
    if (below >= 0) return { line: below + 1, text: lines[below] ?? "", advice: words.join(" ") };
  }
  const window = lines.findIndex((line) => /TUMBLE.*INTERVAL '1' SECOND|INTERVAL '1' SECOND\)/i.test(line));
  return window < 0 ? null : { line: window + 1, text: lines[window] ?? "", advice: "Make the '1' a '5' and save: the chart follows." };
}
