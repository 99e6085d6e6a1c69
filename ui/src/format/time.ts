// Times as people read them: relative beside, absolute on hover. Pure: the present is passed in.
import { THIN } from "./number";

const UNITS: readonly [number, string][] = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1000, "s"],
];

/** "85 µs", "240 ms", "3.2 s", "4 min 10 s", "2 h 5 min". */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return "–";
  if (ms < 0) return `−${duration(-ms)}`;
  if (ms > 0 && ms < 0.9995) return `${Math.max(1, Math.round(ms * 1000))}${THIN}µs`;
  if (ms < 1000) return `${Math.round(ms)}${THIN}ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)}${THIN}s`;
  for (const [at, [size, unit]] of UNITS.entries()) {
    if (ms < size) continue;
    const head = `${Math.floor(ms / size)}${THIN}${unit}`;
    const next = UNITS[at + 1];
    const rest = next ? Math.floor((ms % size) / next[0]) : 0;
    return next && rest ? `${head} ${rest}${THIN}${next[1]}` : head;
  }
  return `0${THIN}s`;
}

/** "now", "12 s ago", "3 min ago", "2 d ago". */
export function ago(at_ms: number, now_ms: number): string {
  if (!at_ms) return "never";
  const past = now_ms - at_ms;
  if (past < -1500) return `in ${coarse(-past)}`;
  return past < 1500 ? "now" : `${coarse(past)} ago`;
}

function coarse(ms: number): string {
  for (const [size, unit] of UNITS) if (ms >= size) return `${Math.floor(ms / size)}${THIN}${unit}`;
  return `0${THIN}s`;
}

const two = (n: number, width = 2) => String(n).padStart(width, "0");

/** "2026-11-22 11:00:00.100", in the reader's zone. */
export function absolute(at_ms: number): string {
  const d = new Date(at_ms);
  const day = `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
  return `${day} ${clock(at_ms)}.${two(d.getMilliseconds(), 3)}`;
}

/** "11:00:00", in the reader's zone. */
export function clock(at_ms: number): string {
  const d = new Date(at_ms);
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

/** An SQL timestamp is UTC and has no zone; ISO text may have one; a number is epoch milliseconds. */
export function instant(value: unknown): number | null {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\d/.test(value)) return null;
  const text = value.replace(" ", "T");
  const zoned = /(Z|[+-]\d\d:?\d\d)$/.test(text.slice(10)) ? text : `${text.length === 10 ? `${text}T00:00:00` : text}Z`;
  const at = Date.parse(zoned);
  return Number.isNaN(at) ? null : at;
}

export const isTime = (kind: string): boolean => /^(TIMESTAMP|DATE\b)/i.test(kind);
export const isNumber = (kind: string): boolean => /^(TINYINT|SMALLINT|INT|BIGINT|FLOAT|DOUBLE|DECIMAL|REAL|NUMERIC)/i.test(kind);
