// Values over time, kept in the browser for as long as the chart is wide. Gaps stay gaps. Pure.

export type Aligned = [number[], ...(number | null | undefined)[][]];

interface Line {
  at_ms: number[];
  values: number[];
}

export class History {
  private readonly lines = new Map<string, Line>();

  constructor(
    readonly keep_ms: number,
    /** Silence longer than this is drawn as a gap. */
    readonly gap_ms: number,
  ) {}

  /** Late points find their place; a second value for the same moment replaces the first. */
  note(name: string, at_ms: number, value: number): void {
    const line = this.lines.get(name) ?? { at_ms: [], values: [] };
    this.lines.set(name, line);
    let place = line.at_ms.length;
    while (place > 0 && (line.at_ms[place - 1] ?? 0) > at_ms) place -= 1;
    if (line.at_ms[place - 1] === at_ms) line.values[place - 1] = value;
    else {
      line.at_ms.splice(place, 0, at_ms);
      line.values.splice(place, 0, value);
    }
  }

  forgetBefore(at_ms: number): void {
    for (const [name, line] of this.lines) {
      const keep = line.at_ms.findIndex((t) => t >= at_ms);
      if (keep < 0) this.lines.delete(name);
      else if (keep > 0) {
        line.at_ms.splice(0, keep);
        line.values.splice(0, keep);
      }
    }
  }

  names(): string[] {
    return [...this.lines.keys()];
  }

  last(name: string): { at_ms: number; value: number } | null {
    const line = this.lines.get(name);
    const at = line ? line.at_ms.length - 1 : -1;
    return line && at >= 0 ? { at_ms: line.at_ms[at] ?? 0, value: line.values[at] ?? 0 } : null;
  }

  /** Columns for uPlot, x in seconds: null where a line breaks, undefined where it merely has no point. */
  aligned(names: readonly string[]): Aligned {
    const columns = names.map((name) => this.broken(name));
    const times = [...new Set(columns.flatMap((column) => [...column.keys()]))].sort((a, b) => a - b);
    return [times.map((t) => t / 1000), ...columns.map((column) => times.map((t) => column.get(t)))];
  }

  private broken(name: string): Map<number, number | null> {
    const out = new Map<number, number | null>();
    const line = this.lines.get(name);
    line?.at_ms.forEach((at_ms, i) => {
      const before = line.at_ms[i - 1];
      if (before !== undefined && at_ms - before > this.gap_ms) out.set(before + 1, null);
      out.set(at_ms, line.values[i] ?? null);
    });
    return out;
  }
}

/** Moments that follow each other closely are one span: from when, until when. */
export function spans(at_ms: readonly number[], apart_ms = 2500): [number, number][] {
  const out: [number, number][] = [];
  for (const at of [...at_ms].sort((x, y) => x - y)) {
    const last = out[out.length - 1];
    if (last && at - last[1] <= apart_ms) last[1] = at;
    else out.push([at, at]);
  }
  return out;
}
