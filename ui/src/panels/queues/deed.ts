// Something that a form asks the server to do: what it was refused, if it was.
import { useState } from "preact/hooks";
import { ApiError } from "../../api/client";

/** `run` does it, and keeps the page from being sent. */
export function useDeed(deed: () => Promise<void>): { run: (event: Event) => void; error: ApiError | null } {
  const [error, setError] = useState<ApiError | null>(null);
  const run = (event: Event): void => {
    event.preventDefault();
    deed().then(
      () => setError(null),
      (cause: unknown) => setError(cause instanceof ApiError ? cause : new ApiError(0, String(cause))),
    );
  };
  return { run, error };
}

/** What a queue's panels are opened by: ``?open=kind:vhost:queue``. */
export const openQueue = (kind: string, vhost: string, ...names: string[]): string => [kind, ...[vhost, ...names].map(encodeURIComponent)].join(":");
