import { visibleLines } from "../format/visible.ts";
import { CopyButton } from "./copy-button.tsx";

/** A command to be copied. What would hide in it is shown; the copy is the command as it is. */
export function CodeLine({ text, what }: { readonly text: string; readonly what: string }) {
  return (
    <div className="code-line">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys */}
      <pre tabIndex={0}>{visibleLines(text)}</pre>
      <CopyButton text={text} what={what} />
    </div>
  );
}
