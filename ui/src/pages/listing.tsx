// A page that lists things of one kind: headline, what narrows the list down, the list, and what an empty one teaches.
import type { ComponentChildren } from "preact";
import type { Polled } from "../api/poll";
import { Stale, Waiting } from "../parts/ago";
import { Grid, type GridColumn } from "../parts/grid";
import { Search, useFound } from "../parts/search";

export interface ListingProps<R> {
  title: string;
  /** One of them, and many, in the middle of a sentence: "topic", "topics". */
  one: string;
  many: string;
  asked: Polled<readonly R[]>;
  /** What of it is shown, where not all is. */
  rows?: readonly R[];
  columns: readonly GridColumn<R>[];
  keyOf: (row: R) => string;
  href: (row: R) => string;
  /** What the search looks through; else the key. */
  textOf?: (row: R) => string;
  /** The order at first: a column, with - before it from the end. */
  first: string;
  /** Beside the headline, and beside the search. */
  actions?: ComponentChildren;
  tools?: ComponentChildren;
  /** Stands where the list would, while there is nothing at all. */
  teach: ComponentChildren;
}

/** The column that leads to a row's own page. */
export function nameColumn<R>(title: string, nameOf: (row: R) => string, href: (row: R) => string): GridColumn<R> {
  return {
    id: "name",
    title,
    least: 150,
    sort: nameOf,
    cell: (row) => (
      <a class="mono" href={href(row)}>
        {nameOf(row)}
      </a>
    ),
  };
}

export function Listing<R>(props: ListingProps<R>) {
  const { asked, keyOf } = props;
  const { search, found } = useFound(props.rows ?? asked.value, props.textOf ?? keyOf);
  return (
    <>
      <div class="headline">
        <h1>{props.title}</h1>
        <Stale of={asked} />
        {props.actions && <div class="push">{props.actions}</div>}
      </div>
      <section class="sheet">
        <header class="tools">
          <Search place={`Search ${props.many}`} />
          {props.tools}
        </header>
        {asked.value ? (
          <Grid
            label={props.title}
            rows={found}
            columns={props.columns}
            keyOf={keyOf}
            href={props.href}
            order={{ param: "sort", first: props.first }}
            height="calc(100vh - 190px)"
            empty={search ? <p class="soft waiting">{`No ${props.one} has ${search} in its name.`}</p> : props.teach}
          />
        ) : (
          <Waiting of={asked} />
        )}
      </section>
    </>
  );
}
