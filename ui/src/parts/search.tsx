// What narrows a table down, kept in the URL: a search field (`/` goes there), and choices of one among a few.
import { useMemo } from "preact/hooks";
import { go, params, withParams } from "../state/route";

/** What is searched for, in lower case, and the rows that have it in the text one sees of them. `textOf` stays the same. */
export function useFound<R>(rows: readonly R[] | null | undefined, textOf: (row: R) => string): { search: string; found: readonly R[] } {
  const search = (params.value.get("q") ?? "").toLowerCase();
  const found = useMemo(() => (search ? (rows ?? []).filter((row) => textOf(row).toLowerCase().includes(search)) : (rows ?? [])), [rows, search]);
  return { search, found };
}

export function Search({ place, param = "q" }: { place: string; param?: string }) {
  return (
    <input
      type="search"
      aria-label={place}
      placeholder={`${place}  ( / )`}
      value={params.value.get(param) ?? ""}
      onInput={(event) => go(withParams({ [param]: event.currentTarget.value }), { replace: true })}
    />
  );
}

/** One of `options`, each a value and its word; the first is what holds where the URL says nothing. */
export function Choice({ label, param, options }: { label: string; param: string; options: readonly (readonly [string, string])[] }) {
  const first = options[0]?.[0] ?? "";
  return (
    <select aria-label={label} value={params.value.get(param) ?? first} onChange={({ currentTarget: { value } }) => go(withParams({ [param]: value === first ? null : value }))}>
      {options.map(([value, word]) => (
        <option key={value} value={value}>
          {word}
        </option>
      ))}
    </select>
  );
}
