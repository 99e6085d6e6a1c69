// One value of a live table.
import type { Cell } from "../api/types";
import { whole } from "../format/number";
import { ago, instant, isNumber, isTime } from "../format/time";
import { now } from "../state/clock";

export function cellSort(value: Cell): number | string | null {
  if (value === null || typeof value === "number" || typeof value === "string") return value;
  return typeof value === "boolean" ? Number(value) : JSON.stringify(value);
}

/** Whole numbers in groups, others to four places; every digit on hover. */
function numberText(value: number): string {
  return Number.isInteger(value) ? whole(value) : Math.abs(value) >= 1e-3 ? value.toFixed(3) : value.toPrecision(3);
}

export function CellText({ value, kind }: { value: Cell; kind: string }) {
  if (value === null) return <span class="faint">null</span>;
  if (typeof value === "number" && isNumber(kind)) return <span title={String(value)}>{numberText(value)}</span>;
  const at_ms = isTime(kind) ? instant(value) : null;
  // An SQL timestamp has no zone: it is shown as it is, and how long ago that is on hover.
  if (at_ms !== null) return <time title={`${ago(at_ms, now.peek())} (UTC)`}>{typeof value === "number" ? new Date(value).toISOString().replace("T", " ").slice(0, 23) : String(value).replace("T", " ")}</time>;
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return <span title={text.length > 24 ? text.slice(0, 1000) : undefined}>{text}</span>;
}
