// Numbers as people read them: three figures, thin spaces, units always. Pure.

/** Narrow no-break space: between groups of digits and before units. */
export const THIN = "\u202f";

const STEPS: readonly [number, string][] = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];

/** Three significant figures, without a trailing zero behind the point for whole numbers. */
function three(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 99.95) return value.toFixed(0);
  if (size >= 9.995) return Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1);
  if (size >= 0.01) return Number.isInteger(value) ? value.toFixed(0) : value.toFixed(2);
  return value.toPrecision(1);
}

function scaled(value: number, unit: string): string {
  if (!Number.isFinite(value)) return "–";
  for (const [size, prefix] of STEPS)
    // 999.5 rounds up to the next step, so that "1000" never stands where "1.00 k" belongs.
    if (Math.abs(value) >= size * 0.9995) return `${(value / size).toFixed(digits(value / size))}${THIN}${prefix}${unit}`;
  return unit ? `${three(value)}${THIN}${unit}` : three(value);
}

function digits(value: number): number {
  const size = Math.abs(value);
  if (size >= 99.95) return 0;
  return size >= 9.995 ? 1 : 2;
}

export const count = (value: number): string => (Math.abs(value) < 10_000 ? whole(value) : scaled(value, ""));
export const rate = (value: number): string => scaled(value, "/s");
export const bytes = (value: number): string => scaled(value, "B");

/** Every digit, in groups of three. */
export function whole(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (!Number.isInteger(value)) return three(value);
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, THIN);
}

/** A measured value with its unit, as charts and tiles show it. */
export function measure(value: number | null | undefined, unit = ""): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (unit === "%") return `${value.toFixed(1)}${THIN}%`;
  // A unit of the data's own may have a prefix already: "1.2 kMB/s" helps nobody.
  return unit ? `${value.toFixed(digits(value))}${THIN}${unit}` : scaled(value, "");
}

/** "1 record", "2 records": the number and its noun. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}
