// Ctrl/Cmd-K: type a few letters, go anywhere.
import { signal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { api } from "../api/client";
import type { QueueRow } from "../api/types";
import { Icon, type IconName, KIND_WORD } from "../parts/icons";
import { flow } from "../state/flow";
import { go, pageOf, queueHref } from "../state/route";
import { nextTheme } from "../state/theme";

export const paletteOpen = signal(false);
let before: HTMLElement | null = null;

export function openPalette(): void {
  before = document.activeElement as HTMLElement | null;
  paletteOpen.value = true;
}
export function closePalette(): void {
  paletteOpen.value = false;
  before?.focus();
}

interface Entry {
  word: string;
  kind: string;
  icon: IconName;
  run: () => void;
}

const PAGES: readonly [string, string, IconName][] = [
  ["Flow", "/flow", "flow"],
  ["Topics", "/topics", "topic"],
  ["Pipelines", "/pipelines", "pipeline"],
  ["Tables", "/tables", "table"],
  ["Groups", "/groups", "group"],
  ["Queues", "/queues", "queue"],
  ["Dead letters", "/dlq", "letter"],
  ["Create a topic", "/topics?open=new-topic", "plus"],
  ["Create a queue", "/queues?open=new-queue", "plus"],
];

/** How well `typed` fits: its letters in order, better at the start of words and close together; -1 when not. */
export function fit(typed: string, word: string): number {
  const [needle, hay] = [typed.toLowerCase(), word.toLowerCase()];
  let [at, score] = [0, 0];
  for (const letter of needle) {
    const found = hay.indexOf(letter, at);
    if (found < 0) return -1;
    score += found === at ? 3 : /[^a-z0-9]/.test(hay[found - 1] ?? " ") ? 2 : 0;
    at = found + 1;
  }
  return score - word.length / 100;
}

function useEntries(): Entry[] {
  const [names, setNames] = useState<{ topics: string[]; groups: string[]; queues: QueueRow[] }>({ topics: [], groups: [], queues: [] });
  useEffect(() => {
    const stop = new AbortController();
    // A server without queues has the rest all the same.
    const queues = api.queues(stop.signal).catch((): QueueRow[] => []);
    void Promise.all([api.topics(stop.signal), api.groups(stop.signal), queues]).then(
      ([topics, groups, queues]) => setNames({ topics: topics.map((t) => t.name), groups: groups.map((g) => g.group), queues }),
      () => {},
    );
    return () => stop.abort();
  }, []);
  return useMemo(() => {
    const pages = PAGES.map(([word, href, icon]) => ({ word, kind: "page", icon, run: () => go(href) }));
    const nodes = (flow.value?.nodes ?? []).map((node) => ({
      word: node.label,
      kind: KIND_WORD[node.kind],
      icon: node.kind as IconName,
      run: () => go(pageOf(node.id) ?? `/flow?open=${encodeURIComponent(node.id)}`),
    }));
    const known = new Set(nodes.map((n) => `${n.kind} ${n.word}`));
    const topics = names.topics
      .filter((name) => !known.has(`topic ${name}`))
      .map((name) => ({ word: name, kind: "topic", icon: "topic" as const, run: () => go(pageOf(`topic:${name}`) ?? "/") }));
    const groups = names.groups.map((name) => ({
      word: name,
      kind: "group",
      icon: "group" as const,
      run: () => go(pageOf(`client:${name}`) ?? "/"),
    }));
    const queues = names.queues.map((q) => ({ word: q.name, kind: "queue", icon: "queue" as const, run: () => go(queueHref(q)) }));
    const look = { word: "Switch between light and dark", kind: "action", icon: "sun" as const, run: nextTheme };
    return [...nodes, ...pages, ...topics, ...groups, ...queues, look];
  }, [names]);
}

export function Palette() {
  const entries = useEntries();
  const [typed, setTyped] = useState("");
  const [active, setActive] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const shown = useMemo(() => {
    const scored = entries.map((entry) => ({ entry, score: fit(typed, entry.word) })).filter(({ score }) => score >= 0 || !typed);
    if (typed) scored.sort((a, b) => b.score - a.score);
    return scored.slice(0, 40).map(({ entry }) => entry);
  }, [entries, typed]);
  const run = (entry: Entry | undefined) => {
    if (!entry) return;
    closePalette();
    entry.run();
  };
  useEffect(() => list.current?.children[active]?.scrollIntoView({ block: "nearest" }), [active]);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (event.key === "Enter") run(shown[active]);
    else if (event.key === "Tab") event.preventDefault();
    else if (step && shown.length) {
      event.preventDefault();
      setActive((active + step + shown.length) % shown.length);
    }
  };
  return (
    <>
      <div class="veil" onClick={closePalette} />
      <div class="palette" role="dialog" aria-modal="true" aria-label="Find anything">
        <input
          ref={(element) => element?.focus()}
          role="combobox"
          aria-expanded="true"
          aria-controls="found"
          aria-activedescendant={`found-${active}`}
          placeholder="Go to a topic, pipeline, table, group, queue or page"
          value={typed}
          onInput={(event) => {
            setTyped(event.currentTarget.value);
            setActive(0);
          }}
          onKeyDown={onKeyDown}
        />
        <ul id="found" role="listbox" aria-label="Found" ref={list}>
          {shown.map((entry, at) => (
            <li
              key={`${entry.kind} ${entry.word}`}
              id={`found-${at}`}
              role="option"
              aria-selected={at === active}
              onMouseMove={() => setActive(at)}
              onClick={() => run(entry)}
            >
              <Icon name={entry.icon} />
              <span class={entry.kind === "page" || entry.kind === "action" ? "" : "mono"}>{entry.word}</span>
              <span class="push small faint">{entry.kind}</span>
            </li>
          ))}
          {shown.length === 0 && <li class="soft">Nothing is named like that.</li>}
        </ul>
      </div>
    </>
  );
}
