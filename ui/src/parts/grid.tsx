// A dense table: aligned, sortable, drawn only where one looks, walked with the arrow keys. Sorting lives in the URL.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { go, params, withParams } from "../state/route";

export interface GridColumn<R> {
  id: string;
  title: string;
  cell: (row: R) => ComponentChildren;
  /** What to sort by; a column without it is not sortable. */
  sort?: (row: R) => number | string | null;
  numeric?: boolean;
  mono?: boolean;
  /** Pixels; a column without takes its share of what is left. */
  width?: number;
  /** Pixels that a column without a width has at least. */
  least?: number;
  /** Left out on a phone. */
  wide?: boolean;
}
export interface GridProps<R> {
  label: string;
  rows: readonly R[];
  columns: readonly GridColumn<R>[];
  keyOf: (row: R) => string;
  href?: (row: R) => string;
  /** Which row is open beside. */
  isOpen?: (row: R) => boolean;
  /** The URL parameter that keeps the order, and what it is at first; none: the rows' own order stays. */
  order?: { param: string; first: string };
  /** When a row changed last: it gets a dot that fades. */
  changed_ms?: (row: R) => number | undefined;
  height?: string;
  empty?: ComponentChildren;
}

const ROW = 34;
const LEAST = 80;
/** How narrow the table gets before it scrolls sideways: with all columns, and with those of a phone. */
function leasts(columns: readonly Pick<GridColumn<never>, "width" | "least" | "wide">[]): Record<string, string> {
  const sum = (those: typeof columns) => `${those.reduce((all, column) => all + (column.width ?? column.least ?? LEAST), 0)}px`;
  return { "--least": sum(columns), "--least-narrow": sum(columns.filter((column) => !column.wide)) };
}
const BEYOND = 10;

function compare(a: number | string | null, b: number | string | null): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), undefined, { numeric: true });
}

function useSorted<R>({ rows, columns, order }: GridProps<R>): { sorted: readonly R[]; by: string } {
  const by = order ? (params.value.get(order.param) ?? order.first) : "";
  const sorted = useMemo(() => {
    const column = columns.find((c) => c.id === by.replace(/^-/, ""));
    const sort = column?.sort;
    if (!sort) return rows;
    const sign = by.startsWith("-") ? -1 : 1;
    return [...rows].sort((a, b) => sign * compare(sort(a), sort(b)));
  }, [rows, columns, by]);
  return { sorted, by };
}

function Head<R>({ props, by }: { props: GridProps<R>; by: string }) {
  const turn = (column: GridColumn<R>) => {
    const up = by === column.id;
    const down = by === `-${column.id}`;
    const next = up ? `-${column.id}` : down ? column.id : column.numeric ? `-${column.id}` : column.id;
    if (props.order) go(withParams({ [props.order.param]: next }), { replace: true });
  };
  return (
    <thead>
      <tr>
        {props.changed_ms && <th class="dot" />}
        {props.columns.map((column) => {
          const at = by.replace(/^-/, "") === column.id ? (by.startsWith("-") ? "descending" : "ascending") : undefined;
          const sortable = props.order && column.sort;
          return (
            <th key={column.id} class={`${column.numeric ? "right" : ""} ${column.wide ? "wide" : ""}`} aria-sort={at} style={{ width: column.width ? `${column.width}px` : undefined }}>
              {sortable ? (
                <button type="button" onClick={() => turn(column)}>
                  {column.title}
                  <span class="turn" aria-hidden="true">
                    {at === "ascending" ? "↑" : at === "descending" ? "↓" : ""}
                  </span>
                </button>
              ) : (
                column.title
              )}
            </th>
          );
        })}
      </tr>
    </thead>
  );
}

/** Which rows are in view. */
function useWindow(total: number, scroller: { current: HTMLDivElement | null }): [number, number] {
  const [span, setSpan] = useState<[number, number]>([0, 40]);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const look = () => {
      const first = Math.max(0, Math.floor(element.scrollTop / ROW) - BEYOND);
      const last = Math.ceil((element.scrollTop + element.clientHeight) / ROW) + BEYOND;
      setSpan((old) => (old[0] === first && old[1] === last ? old : [first, last]));
    };
    look();
    element.addEventListener("scroll", look, { passive: true });
    const watch = new ResizeObserver(look);
    watch.observe(element);
    return () => {
      element.removeEventListener("scroll", look);
      watch.disconnect();
    };
  }, [total > 0]);
  return [span[0], Math.min(total, span[1])];
}

export function Grid<R>(props: GridProps<R>) {
  const scroller = useRef<HTMLDivElement>(null);
  const { sorted, by } = useSorted(props);
  const [first, last] = useWindow(sorted.length, scroller);
  const [active, setActive] = useState(0);
  // The row that shall have the focus; by number, for an older render's effect may run after a newer key.
  const wanted = useRef<number | null>(null);
  useEffect(() => {
    // A row far away is drawn only once the scrolling has brought it near.
    const row = wanted.current === null ? null : scroller.current?.querySelector<HTMLElement>(`tr[data-at="${wanted.current}"]`);
    if (!row) return;
    wanted.current = null;
    row.focus({ preventScroll: true });
  });
  const onKeyDown = (event: KeyboardEvent) => {
    if (!(event.target instanceof HTMLTableRowElement)) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 300) / ROW) - 2);
    const moves: Record<string, number> = {
      ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + page, PageUp: active - page, Home: 0, End: sorted.length - 1,
    };
    const row = sorted[active];
    if (event.key === "Enter" && props.href && row) go(props.href(row));
    const next = moves[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const at = Math.min(Math.max(0, next), sorted.length - 1);
    wanted.current = at;
    setActive(at);
    const box = scroller.current;
    if (box && (at * ROW < box.scrollTop || (at + 2) * ROW > box.scrollTop + box.clientHeight)) box.scrollTop = at * ROW - box.clientHeight / 2;
  };
  if (sorted.length === 0 && props.empty) return <>{props.empty}</>;
  return (
    <div class="grid" ref={scroller} style={{ maxHeight: props.height }} onKeyDown={onKeyDown}>
      <table aria-label={props.label} aria-rowcount={sorted.length} style={leasts(props.columns)}>
        <Head props={props} by={by} />
        <tbody>
          {first > 0 && <Beyond rows={first} />}
          {sorted.slice(first, last).map((row, i) => (
            <Line key={props.keyOf(row)} props={props} row={row} at={first + i} active={first + i === active} onFocus={() => setActive(first + i)} />
          ))}
          {last < sorted.length && <Beyond rows={sorted.length - last} />}
        </tbody>
      </table>
    </div>
  );
}

/** The height of the rows that are not drawn. */
function Beyond({ rows }: { rows: number }) {
  return (
    <tr class="beyond" style={{ height: `${rows * ROW}px` }} aria-hidden="true">
      <td />
    </tr>
  );
}

function Line<R>({ props, row, at, active, onFocus }: { props: GridProps<R>; row: R; at: number; active: boolean; onFocus: () => void }) {
  const href = props.href?.(row);
  const onClick = (event: MouseEvent) => {
    // Links and selected text keep their own meaning.
    if (!href || (event.target as Element).closest("a, button") || String(getSelection())) return;
    go(href);
  };
  const changed_ms = props.changed_ms?.(row);
  return (
    <tr data-at={at} tabIndex={active ? 0 : -1} class={`${href ? "leads" : ""} ${props.isOpen?.(row) ? "open" : ""}`} onClick={onClick} onFocus={onFocus}>
      {props.changed_ms && <td class="dot">{changed_ms !== undefined && <i key={changed_ms} />}</td>}
      {props.columns.map((column) => (
        <td key={column.id} class={`${column.numeric ? "right" : ""} ${column.mono ? "mono" : ""} ${column.wide ? "wide" : ""}`}>
          {column.cell(row)}
        </td>
      ))}
    </tr>
  );
}
