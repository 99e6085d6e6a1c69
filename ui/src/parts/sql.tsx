// SQL with light colour, line numbers, and an error at its place.
import { useEffect, useRef } from "preact/hooks";
import type { JobError } from "../api/types";
import { sqlLines, type SqlPiece } from "../format/sql";

/** Splits the pieces of the wrong line so that the word at the column can be underlined. */
function marked(pieces: readonly SqlPiece[], column: number): { piece: SqlPiece; wrong: boolean }[] {
  let at = 1;
  return pieces.map((piece) => {
    const from = at;
    at += piece.text.length;
    return { piece, wrong: column >= from && column < at };
  });
}

export function Sql({ text, error }: { text: string; error?: JobError | null }) {
  const wrong = useRef<HTMLElement>(null);
  const where = error?.line ?? 0;
  useEffect(() => {
    const box = wrong.current?.closest(".sql");
    if (box && wrong.current) box.scrollTop = wrong.current.offsetTop - box.clientHeight / 2;
  }, [where, error?.message]);
  return (
    <pre class="sql" tabIndex={0} aria-label="SQL">
      {sqlLines(text).map((pieces, i) => {
        const isWrong = i + 1 === where;
        return (
          <>
            <span key={i} class={`line ${isWrong ? "wrong" : ""}`} ref={isWrong ? wrong : undefined}>
              {marked(pieces, isWrong ? (error?.column ?? 0) : -1).map(({ piece, wrong: under }, at) => (
                <span key={at} class={`${piece.kind} ${under ? "squiggle" : ""}`}>
                  {piece.text}
                </span>
              ))}
              {pieces.length === 0 ? "\u200b" : ""}
            </span>
            {isWrong && error && (
              <span class="saying">
                {error.message} {error.remedy}
              </span>
            )}
          </>
        );
      })}
    </pre>
  );
}
