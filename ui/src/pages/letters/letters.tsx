// One topic's or queue's dead letters: counted by why they died, and each by itself; what is done to them stands beside.
import { api } from "../../api/client";
import { usePoll } from "../../api/poll";
import type { LetterGroup, LetterRow, LetterWish } from "../../api/types";
import { count, plural } from "../../format/number";
import { isQueue, letterKey, plainName, vhostOf } from "../../format/source";
import { Ago, Stale, Waiting } from "../../parts/ago";
import { Grid, type GridColumn } from "../../parts/grid";
import { Icon } from "../../parts/icons";
import { Choice, Search } from "../../parts/search";
import { params, withParams } from "../../state/route";

const REFRESH_MS = 3000;
/** What the URL says of which letters are meant. */
export function wishOf(): LetterWish {
  const of = (name: string) => params.value.get(name) ?? undefined;
  return { reason: of("reason"), exception: of("exception"), owner: of("owner"), contains: of("contains"), state: of("state") };
}
const chosenBy = (g: LetterGroup) => withParams({ reason: g.reason, exception: g.exception, owner: g.owner });
const isChosen = (g: LetterGroup): boolean => {
  const wish = wishOf();
  return wish.reason === g.reason && (wish.exception ?? "") === g.exception && (wish.owner ?? "") === g.owner;
};

const GROUPS: readonly GridColumn<LetterGroup>[] = [
  { id: "count", title: "Letters", numeric: true, width: 76, cell: (g) => count(g.count) },
  { id: "reason", title: "Reason", width: 96, cell: (g) => g.reason },
  { id: "exception", title: "Exception", mono: true, cell: (g) => g.exception || "–" },
  { id: "owner", title: "Failed by", mono: true, wide: true, cell: (g) => g.owner || "–" },
  { id: "message", title: "Newest message", wide: true, cell: (g) => <span title={g.message}>{g.message}</span> },
  { id: "last", title: "Last", numeric: true, width: 110, wide: true, cell: (g) => <Ago at_ms={g.last_ms} /> },
];
const LETTERS: readonly GridColumn<LetterRow>[] = [
  { id: "name", title: "Letter", mono: true, width: 76, cell: (l) => l.name },
  { id: "origin", title: "Came from", mono: true, wide: true, cell: (l) => l.origin || "–" },
  { id: "exception", title: "Exception", mono: true, cell: (l) => l.exception || l.reason },
  { id: "attempts", title: "Attempts", numeric: true, width: 90, wide: true, cell: (l) => l.attempts },
  { id: "key", title: "Key", mono: true, width: 140, wide: true, cell: (l) => l.key ?? "–" },
  { id: "value", title: "Body", mono: true, cell: (l) => l.value ?? "–" },
  { id: "last", title: "Last", numeric: true, width: 110, wide: true, cell: (l) => <Ago at_ms={l.last_ms} /> },
];
const STATES: readonly [string, string][] = [["waiting", "waiting"], ["redriven", "sent back"], ["purged", "given up"], ["replaced", "edited"], ["any", "all"]];

/** A queue's letters have no key. */
const OF_QUEUES = LETTERS.filter((column) => column.id !== "key");

export function LettersPage({ name }: { name: string }) {
  const wish = wishOf();
  const queue = isQueue(name);
  const states: LetterWish = { state: wish.state };
  const groups = usePoll(`dlq ${name} ${wish.state}`, (signal) => api.dlqGroups(name, states, signal), REFRESH_MS);
  const letters = usePoll(`letters ${name} ${JSON.stringify(wish)}`, (signal) => api.letters(name, wish, signal), REFRESH_MS);
  const some = Boolean(wish.reason || wish.exception || wish.owner || wish.contains);
  return (
    <>
      <div class="headline">
        <h1 class="mono">{plainName(name)}</h1>
        {queue && <span class="soft">a queue{vhostOf(name) === "/" ? "" : ` in ${vhostOf(name)}`}</span>}
        {groups.value && <span class="soft">{plural(groups.value.states.waiting, "letter waits", "letters wait")}</span>}
        <Stale of={groups} />
        <div class="push">
          <a class="button main" href={withParams({ open: `redrive:${name}` })}>
            <Icon name="send" /> Send {some ? "these" : "all"} back
          </a>
          <a class="button quiet" href={withParams({ open: `purge:${name}` })}>
            <Icon name="trash" /> Give {some ? "these" : "all"} up
          </a>
        </div>
      </div>
      <div class="stack">
        <section class="sheet">
          <header>
            <h2>Why they are here</h2>
            {some && (
              <a class="push" href={withParams({ reason: null, exception: null, owner: null, contains: null })}>
                show all
              </a>
            )}
          </header>
          {groups.value ? (
            <Grid label="Reasons" rows={groups.value.groups} columns={GROUPS} keyOf={(g) => `${g.reason} ${g.exception} ${g.owner}`} href={chosenBy} isOpen={isChosen} height="240px" empty={<p class="soft body">No letter is {wish.state ?? "waiting"}.</p>} />
          ) : (
            <Waiting of={groups} />
          )}
        </section>
        <section class="sheet">
          <header class="tools">
            <h2>Letters</h2>
            <Search place="Search bodies" param="contains" />
            {!queue && <Choice label="State" param="state" options={STATES} />}
          </header>
          {letters.value ? (
            <Grid label="Letters" rows={letters.value.letters} columns={queue ? OF_QUEUES : LETTERS} keyOf={(l) => l.name} href={(l) => withParams({ open: `letter:${letterKey(name, l.name)}` })} isOpen={(l) => params.value.get("open") === `letter:${letterKey(name, l.name)}`} height="calc(100vh - 470px)" empty={<p class="soft body">None.</p>} />
          ) : (
            <Waiting of={letters} />
          )}
        </section>
      </div>
    </>
  );
}
