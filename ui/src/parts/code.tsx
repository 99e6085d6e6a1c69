// SQL, or Python, with light colour, line numbers, and an error at its place.
import { useEffect, useRef } from "preact/hooks";
import type { JobError } from "../api/types";
import { type CodePiece, pythonLines, sqlLines } from "../format/code";

/** Splits the pieces of the wrong line so that the word at the column can be underlined. */
function marked(pieces: readonly CodePiece[], column: number): { piece: CodePiece; wrong: boolean }[] {
  let at = 1;
  let found = column < 1;
  return pieces.map((piece) => {
    at += piece.text.length;
    // A column that points at a blank means the word behind it.
    const wrong = !found && column < at && piece.text.trim() !== "";
    found ||= wrong;
    return { piece, wrong };
  });
}

const sentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);

/** `focus` is a line to look at while nothing is wrong. */
export function Code({ text, python = false, error, focus = 0 }: { text: string; python?: boolean; error?: JobError | null; focus?: number }) {
  const wrong = useRef<HTMLElement>(null);
  const where = error?.line ?? focus;
  useEffect(() => {
    const box = wrong.current?.closest(".sql");
    if (box && wrong.current) box.scrollTop = wrong.current.offsetTop - box.clientHeight / 2;
  }, [where, error?.message]);
  return (
    <pre class="sql" tabIndex={0} aria-label={python ? "Python" : "SQL"}>
      {(python ? pythonLines : sqlLines)(text).map((pieces, i) => {
        const isHere = i + 1 === where;
        const isWrong = isHere && !!error;
        return (
          <>
            <span key={i} class={`line ${isWrong ? "wrong" : isHere ? "focus" : ""}`} ref={isHere ? wrong : undefined}>
              {marked(pieces, isWrong ? (error?.column ?? 0) : -1).map(({ piece, wrong: under }, at) => (
                <span key={at} class={`${piece.kind} ${under ? "squiggle" : ""}`}>
                  {piece.text}
                </span>
              ))}
              {pieces.length === 0 ? "\u200b" : ""}
            </span>
            {isWrong && error && (
              <span class="saying">
                {sentence(error.message)} {error.remedy}
              </span>
            )}
          </>
        );
      })}
    </pre>
  );
}
