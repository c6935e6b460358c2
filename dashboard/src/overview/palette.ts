/** Colours that a canvas takes, by the names of the variables of styles.css. */
export type Palette = (name: string) => string;

/** Reads the colours as they are now: a canvas knows neither variables nor `light-dark()`. */
export function readPalette(): Palette {
  const probe = document.createElement("span");
  document.body.append(probe);
  const known = new Map<string, string>();
  const style = getComputedStyle(probe);
  for (const name of ["line", "dim", "accent", "queued", "executing", "succeeded", "cached", "failed", "cancelled"]) {
    probe.style.color = `var(--${name})`;
    known.set(name, style.color);
  }
  probe.remove();
  return (name) => known.get(name) ?? "gray";
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
