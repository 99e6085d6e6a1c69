// Where we are: the URL keeps it, back works. Knows history; knows no pages.
import { computed, signal } from "@preact/signals";

const here = () => location.pathname + location.search;
const url = signal(here());

export const path = computed(() => url.value.split("?")[0] ?? "/");
export const params = computed(() => new URLSearchParams(url.value.split("?")[1] ?? ""));

addEventListener("popstate", () => {
  url.value = here();
});

export function go(target: string, options: { replace?: boolean } = {}): void {
  if (target === here()) return;
  if (options.replace) history.replaceState(null, "", target);
  else history.pushState(null, "", target);
  url.value = here();
}

/** The present URL with some parameters changed; null or "" takes one away. */
export function withParams(changes: Record<string, string | null>): string {
  const next = new URLSearchParams(params.value);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") next.delete(name);
    else next.set(name, value);
  }
  const text = next.toString();
  return path.value + (text ? `?${text}` : "");
}

/** Every plain click on a link of ours stays in the page. */
export function keepLinks(): void {
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest?.("a");
    if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
    if (link.pathname.startsWith("/api/") || link.pathname === "/metrics") return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}

/** The page of a flow node, or null where it has none. */
export function pageOf(id: string): string | null {
  const [kind = "", ...rest] = id.split(":");
  const pages: Record<string, string> = { topic: "/topics/", pipeline: "/pipelines/", table: "/tables/", client: "/groups/" };
  const folder = pages[kind];
  return folder ? folder + encodeURIComponent(rest.join(":")) : null;
}

/** A queue is named with its virtual host, which mostly is a slash. */
export const queueHref = (queue: { vhost: string; name: string }): string => `/queues/${encodeURIComponent(queue.vhost)}/${encodeURIComponent(queue.name)}`;
