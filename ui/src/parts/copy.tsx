// Text one wants elsewhere, with a button that takes it there.
import { useState } from "preact/hooks";
import { Icon } from "./icons";

async function take(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Without https or loopback there is no clipboard API.
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

export function Copy({ text, word = "Copy" }: { text: string; word?: string }) {
  const [done, setDone] = useState(false);
  const onClick = () =>
    void take(text).then(() => {
      setDone(true);
      setTimeout(() => setDone(false), 1600);
    });
  return (
    <button type="button" class="copy" onClick={onClick} aria-label={done ? "Copied" : word}>
      <Icon name={done ? "check" : "copy"} />
      <span>{done ? "Copied" : word}</span>
    </button>
  );
}

/** Code to take along. */
export function Snippet({ text }: { text: string }) {
  return (
    <div class="snippet">
      <pre tabIndex={0}>{text}</pre>
      <Copy text={text} />
    </div>
  );
}

/** The same thing in several languages; the choice is kept in this browser. */
export function Tabs({ name, tabs }: { name: string; tabs: readonly { word: string; text: string; note?: string }[] }) {
  const [chosen, choose] = useState(() => localStorage.getItem(`penstock.tab.${name}`) ?? tabs[0]?.word);
  const active = tabs.find((tab) => tab.word === chosen) ?? tabs[0];
  const pick = (word: string) => {
    choose(word);
    localStorage.setItem(`penstock.tab.${name}`, word);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const next = step && active ? tabs[(tabs.indexOf(active) + step + tabs.length) % tabs.length] : undefined;
    if (!next) return;
    pick(next.word);
    (event.currentTarget as HTMLElement).querySelector<HTMLElement>(`[data-word="${next.word}"]`)?.focus();
  };
  if (!active) return null;
  return (
    <div class="tabs">
      <div role="tablist" onKeyDown={onKeyDown}>
        {tabs.map(({ word }) => (
          <button key={word} type="button" role="tab" data-word={word} aria-selected={word === active.word} tabIndex={word === active.word ? 0 : -1} onClick={() => pick(word)}>
            {word}
          </button>
        ))}
      </div>
      <div role="tabpanel">
        <Snippet text={active.text} />
        {active.note && <p class="small soft note">{active.note}</p>}
      </div>
    </div>
  );
}
