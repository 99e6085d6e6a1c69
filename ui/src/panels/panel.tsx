// The side panel: `?open=kind:…` names what stands in it. Never modal; Escape or back closes it.
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { letterOf, plainName } from "../format/source";
import { Icon } from "../parts/icons";
import { withParams } from "../state/route";
import { DealPanel } from "./deal";
import { DeleteTopicPanel } from "./delete-topic";
import { LetterPanel } from "./letter";
import { NewTopicPanel } from "./new-topic";
import { NodePanel } from "./node";
import { ProducePanel } from "./produce";
import { DestroyQueuePanel } from "./queues/destroy";
import { MessagePanel } from "./queues/message";
import { NewQueuePanel } from "./queues/new";
import { PublishPanel } from "./queues/publish";
import { RecordPanel } from "./record";
import { RowPanel } from "./row";

const decoded = (rest: string): string[] => rest.split(":").map(decodeURIComponent);

type Content = { title: string; view: JSX.Element };
const last = (rest: string): [string, string] => {
  const at = rest.lastIndexOf(":");
  return [rest.slice(0, at), rest.slice(at + 1)];
};

const PANELS: Record<string, (rest: string, open: string) => Content> = {
  "new-topic": () => ({ title: "Create a topic", view: <NewTopicPanel /> }),
  "delete-topic": (name) => ({ title: `Delete ${name}?`, view: <DeleteTopicPanel name={name} /> }),
  produce: (name) => ({ title: `Produce to ${name}`, view: <ProducePanel topic={name} /> }),
  record: (rest) => {
    const [before, offset] = last(rest);
    const [topic, partition] = last(before);
    return { title: `${topic}, partition ${partition}, offset ${offset}`, view: <RecordPanel topic={topic} partition={Number(partition)} offset={Number(offset)} /> };
  },
  letter: (rest) => {
    const [source, name] = letterOf(rest);
    return { title: `Dead letter ${name} of ${plainName(source)}`, view: <LetterPanel key={name} source={source} name={name} /> };
  },
  redrive: (source) => ({ title: `Send letters of ${plainName(source)} back`, view: <DealPanel key="redrive" source={source} what="redrive" /> }),
  purge: (source) => ({ title: `Give letters of ${plainName(source)} up`, view: <DealPanel key="purge" source={source} what="purge" /> }),
  "new-queue": () => ({ title: "Create a queue", view: <NewQueuePanel /> }),
  message: (rest) => {
    const [vhost = "", queue = "", number = ""] = decoded(rest);
    return { title: `Message ${number} of ${queue}`, view: <MessagePanel key={number} vhost={vhost} queue={queue} number={Number(number)} /> };
  },
  publish: (rest) => {
    const [vhost = "", queue = ""] = decoded(rest);
    return { title: `Publish to ${queue}`, view: <PublishPanel vhost={vhost} queue={queue} /> };
  },
  "purge-queue": (rest) => {
    const [vhost = "", queue = ""] = decoded(rest);
    return { title: `Purge ${queue}?`, view: <DestroyQueuePanel key="purge" vhost={vhost} queue={queue} what="purge" /> };
  },
  "delete-queue": (rest) => {
    const [vhost = "", queue = ""] = decoded(rest);
    return { title: `Delete ${queue}?`, view: <DestroyQueuePanel key="delete" vhost={vhost} queue={queue} what="delete" /> };
  },
  row: (rest) => {
    const at = rest.indexOf(":");
    return { title: `Row of ${rest.slice(0, at)}`, view: <RowPanel table={rest.slice(0, at)} keyJson={rest.slice(at + 1)} /> };
  },
};

export function Panel({ open }: { open: string }) {
  const at = open.indexOf(":");
  const [kind, rest] = at < 0 ? [open, ""] : [open.slice(0, at), open.slice(at + 1)];
  const { title, view } = PANELS[kind]?.(rest, open) ?? { title: rest || open, view: <NodePanel id={open} /> };
  const place = useRef<HTMLElement>(null);
  useEffect(() => {
    // Reading on from the panel, without taking a field's caret away.
    if (!place.current?.contains(document.activeElement)) place.current?.focus({ preventScroll: true });
  }, [open]);
  return (
    <aside class="panel" aria-label={title} tabIndex={-1} ref={place} key={kind}>
      <header>
        <h2 class={PANELS[kind] ? "" : "mono"}>{title}</h2>
        <a class="button quiet square" href={withParams({ open: null })} aria-label="Close">
          <Icon name="close" />
        </a>
      </header>
      <div class="body">{view}</div>
    </aside>
  );
}
