// Sixteen-pixel icons drawn with one pen. Decoration only: the text beside them carries the meaning.
import type { Health, NodeKind } from "../api/types";

const SHAPES = {
  flow: "M2 4h3.5c3 0 2 8 5 8H14M11.5 9.5 14 12l-2.5 2.5",
  source: "M8 8m-1.6 0a1.6 1.6 0 1 0 3.2 0a1.6 1.6 0 1 0-3.2 0M4.8 11.2a4.5 4.5 0 0 1 0-6.4M11.2 4.8a4.5 4.5 0 0 1 0 6.4M2.7 13.3a7.5 7.5 0 0 1 0-10.6M13.3 2.7a7.5 7.5 0 0 1 0 10.6",
  topic: "M2 3.5h12v9H2zM5 3.5v9M8 3.5v9M11 3.5v9",
  pipeline: "M2 3h12l-4.6 5.4V13l-2.8-1.6v-3z",
  table: "M2 3h12v10H2zM2 6.4h12M2 9.7h12M6.5 6.4V13",
  client: "M2 3h12v8H2zM5.5 14h5M8 11v3",
  group: "M6 7.5m-2.2 0a2.2 2.2 0 1 0 4.4 0a2.2 2.2 0 1 0-4.4 0M2 13.5c.4-2.3 2-3.5 4-3.5s3.6 1.2 4 3.500M10.5 5.500a2 2 0 0 1 0 4M12 10.500c1.2.5 1.8 1.5 2 3",
  search: "M7 7m-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0M10.3 10.3 14 14",
  sun: "M8 8m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0M8 1v1.500M8 13.500V15M1 8h1.500M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
  close: "M3.5 3.500l9 9M12.5 3.500l-9 9",
  copy: "M5.5 5.500h8v8h-8zM10.5 5.500v-3h-8v8h3",
  check: "M3 8.500l3.3 3.300L13 4.5",
  ok: "M8 8m-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0M5.2 8.200l2 2 3.6-4.2",
  idle: "M8 8m-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0M5 8h6",
  warn: "M8 2 14.5 13.500H1.500zM8 6.500v3.200M8 11.300v.7",
  error: "M5.5 2h5L14 5.500v5L10.5 14h-5L2 10.500v-5zM8 4.800v4M8 10.700v.7",
  stale: "M8 8m-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0M8 4.500V8l2.5 1.5",
  play: "M4.5 3v10l8-5z",
  plus: "M8 3v10M3 8h10",
  trash: "M3 4.500h10M6.5 4.500V3h3v1.500M4.5 4.500l.6 8.500h5.800l.6-8.500M6.8 7v3.500M9.2 7v3.5",
  demo: "M1.5 9h3l2-6 3 10 2-6 1 2h2",
  arrow: "M3 8h10M9 4l4 4-4 4",
  bolt: "M9 1.5 3.5 9H8l-1 5.500L12.5 7H8z",
  queue: "M2 3h9v3H2zM2 7h9v3H2zM2 11h9v3H2zM13.500 4v8M12 10.500l1.500 2 1.500-2",
  letter: "M2 4h12v8.500H2zM2.300 4.300 8 8.800l5.700-4.500M6 11l4 0",
  send: "M14 2 1.5 7l5 2.500L9 14.500zM6.5 9.5 14 2",
} as const;

export type IconName = keyof typeof SHAPES;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">
      <path d={SHAPES[name]} fill="none" stroke="currentColor" stroke-width="1.4" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}

export const KIND_WORD: Record<NodeKind, string> = {
  source: "source",
  topic: "topic",
  pipeline: "pipeline",
  table: "live table",
  client: "client",
};

const HEALTH_WORD: Record<Health, string> = {
  ok: "well",
  idle: "idle: nothing passes",
  warn: "needs a look",
  error: "failed",
  stale: "stale: not heard of lately",
};

/** The state with its icon, and its word for those who do not see it. */
export function HealthMark({ health, word }: { health: Health; word?: string }) {
  const label = word ?? HEALTH_WORD[health];
  return (
    <span class={`health ${health}`} title={label}>
      <Icon name={health} />
      {word ? <span>{word}</span> : <span class="hidden">{label}</span>}
    </span>
  );
}
