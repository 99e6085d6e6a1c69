// The bar on top (at the bottom of a phone): where one can go, the finder, and how the connection is.
import type { StreamState } from "../api/stream";
import { Icon, type IconName } from "../parts/icons";
import { now } from "../state/clock";
import { connection, demo, openTroubles, refused } from "../state/flow";
import { path } from "../state/route";
import { nextTheme } from "../state/theme";
import { THIN } from "../format/number";
import { duration } from "../format/time";
import { openPalette } from "./palette";

interface Place {
  href: string;
  word: string;
  icon: IconName;
  /** Where there is no room for the word. */
  short?: string;
}
const PLACES: readonly Place[] = [
  { href: "/flow", word: "Flow", icon: "flow" },
  { href: "/topics", word: "Topics", icon: "topic" },
  { href: "/pipelines", word: "Pipelines", icon: "pipeline" },
  { href: "/tables", word: "Tables", icon: "table" },
  { href: "/groups", word: "Groups", icon: "group" },
  { href: "/queues", word: "Queues", icon: "queue" },
  { href: "/dlq", word: "Dead letters", icon: "letter", short: "Letters" },
];

function here(href: string): boolean {
  const home = href === "/flow" && path.value === "/" && !demo.value?.active;
  return home || path.value === href || (href !== "/" && path.value.startsWith(`${href}/`));
}

export function Bar() {
  const places: readonly Place[] = demo.value?.active ? [{ href: "/", word: "Demo", icon: "demo" }, ...PLACES] : PLACES;
  return (
    <header class="bar">
      <a class="brand" href="/">
        <img src="/favicon.svg" alt="" />
        penstock
      </a>
      <nav class="nav" aria-label="Places">
        {places.map(({ href, word, icon, short }) => (
          <a key={href} href={href} aria-current={here(href) ? "page" : undefined}>
            <Icon name={icon} size={18} />
            <span class={short && "long"}>{word}</span>
            {short && (
              <span class="short" aria-hidden="true">
                {short}
              </span>
            )}
            {href === "/flow" && openTroubles.value > 0 && (
              <span class="mark" title="Open troubles">
                {openTroubles.value}
              </span>
            )}
          </a>
        ))}
      </nav>
      <span class="push" />
      <LinkState />
      <button type="button" class="finder" onClick={openPalette} aria-label="Find anything">
        <Icon name="search" />
        <span>Find</span>
        <kbd>{/Mac|iPhone|iPad/.test(navigator.platform) ? "⌘ K" : "Ctrl K"}</kbd>
      </button>
      <button type="button" class="quiet square" onClick={nextTheme} aria-label="Switch between light and dark">
        <Icon name="sun" />
      </button>
    </header>
  );
}

function words(state: StreamState): string {
  if (state.kind === "live") return "live";
  if (state.kind === "paused") return "paused";
  if (state.kind === "connecting") return "connecting";
  const lost_s = Math.max(0, Math.floor((now.value - state.since_ms) / 1000));
  return `lost since ${lost_s < 60 ? `${lost_s}${THIN}s` : duration(lost_s * 1000)}, resuming`;
}

export function LinkState() {
  const state = connection.value;
  const lost = state.kind === "lost";
  if (lost && refused.value)
    return (
      <span class="link-state" role="status" title={`${refused.value.message}. ${refused.value.remedy}`}>
        <Icon name="idle" />
        without the flow
      </span>
    );
  return (
    <span class={`link-state ${lost ? "lost" : ""}`} role="status" title={lost ? "penstock does not answer; what you see is old" : "Connection to penstock"}>
      <Icon name={lost ? "error" : state.kind === "live" ? "ok" : "idle"} />
      {words(state)}
    </span>
  );
}
