import type { ReactNode } from "react";
import { visibleLines } from "../format/visible.ts";
import { CopyButton } from "./copy-button.tsx";

/** A command to be copied. What would hide in it is shown; the copy is the command as it is. */
export function CodeLine({ text, what }: { readonly text: string; readonly what: string }) {
  return (
    <div className="code-line">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys */}
      <pre tabIndex={0}>{words(visibleLines(text))}</pre>
      <CopyButton text={text} what={what} />
    </div>
  );
}

const LONGEST = 2000;

/** Lines break between words rather than after the hyphens of an option; of a long text, anywhere. */
function words(text: string): ReactNode {
  if (text.length > LONGEST) return text;
  return text.split(/(\s+)/).map((part, index) =>
    index % 2 === 1 ? (
      part
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: words repeat and never move
      <span key={index} className="word">
        {part}
      </span>
    ),
  );
}
