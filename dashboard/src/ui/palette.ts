const NAMES = [
  ...(["text", "dim", "line", "bg", "raised", "accent"] as const),
  ...(["queued", "executing", "succeeded", "cached", "failed", "cancelled", "unknown"] as const),
] as const;

/** The variables of styles.css that are drawn with. */
export type ColourName = (typeof NAMES)[number];

/** Colours that a canvas takes. */
export type Palette = Readonly<Record<ColourName, string>>;

/** Reads the colours as they are now: a canvas knows neither variables nor `light-dark()`. */
export function readPalette(): Palette {
  const probe = document.createElement("span");
  document.body.append(probe);
  const style = getComputedStyle(probe);
  const entries = NAMES.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, style.color];
  });
  probe.remove();
  return Object.fromEntries(entries) as Palette;
}

/** Calls back whenever the page goes from light to dark or back, until it is told not to. */
export function onThemeChange(listener: () => void): () => void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = new MutationObserver(listener);
  system.addEventListener("change", listener);
  chosen.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  return () => {
    system.removeEventListener("change", listener);
    chosen.disconnect();
  };
}
