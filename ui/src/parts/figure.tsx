// One number that matters, with its name.
import type { ComponentChildren } from "preact";

export function Figure({ word, value, title }: { word: string; value: ComponentChildren; title?: string }) {
  return (
    <div class="figure" title={title}>
      <dt>{word}</dt>
      <dd>{value}</dd>
    </div>
  );
}
