import { CopyButton } from "./copy-button.tsx";

/** A command to be copied. */
export function CodeLine({ text, what }: { readonly text: string; readonly what: string }) {
  return (
    <div className="code-line">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys */}
      <pre tabIndex={0}>{text}</pre>
      <CopyButton text={text} what={what} />
    </div>
  );
}
