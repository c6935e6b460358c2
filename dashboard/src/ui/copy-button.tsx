import { useState } from "react";

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** Where there is no clipboard to write to, as on a page without TLS from another machine. */
function copyBySelection(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "off-screen";
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}

/** Copies a text, and says for a moment that it did. `what` is what a screen reader calls the text. */
export function CopyButton({ text, what }: { readonly text: string | (() => string); readonly what: string }) {
  const [said, setSaid] = useState("");
  const onClick = async () => {
    const copied = await copy(typeof text === "string" ? text : text());
    setSaid(copied ? "Copied" : "Not copied");
    setTimeout(() => setSaid(""), 1500);
  };
  return (
    <button type="button" className="quiet" onClick={onClick} aria-label={`Copy ${what}`}>
      <span aria-live="polite">{said || "Copy"}</span>
    </button>
  );
}
