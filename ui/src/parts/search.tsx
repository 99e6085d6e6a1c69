// The search field of a page: `/` goes there, the URL keeps what it says.
import { go, params, withParams } from "../state/route";

/** What is searched for, in lower case. */
export const useSearch = (): string => (params.value.get("q") ?? "").toLowerCase();

export function Search({ place }: { place: string }) {
  return (
    <input
      type="search"
      aria-label={place}
      placeholder={`${place}  ( / )`}
      value={params.value.get("q") ?? ""}
      onInput={(event) => go(withParams({ q: event.currentTarget.value }), { replace: true })}
    />
  );
}
