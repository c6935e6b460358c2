import { type RefObject, useEffect, useState } from "react";
import type { Colours } from "./chart-draw.ts";

const VARIABLES = {
  text: "--text",
  dim: "--dim",
  line: "--line",
  bg: "--bg",
  raised: "--raised",
  accent: "--accent",
  queued: "--queued",
  executing: "--executing",
  succeeded: "--succeeded",
  cached: "--cached",
  failed: "--failed",
  cancelled: "--cancelled",
  unknown: "--unknown",
} as const;

/** A variable has the colours of both themes; only a property that is computed has the one that is shown. */
function readColours(element: HTMLElement): Colours {
  const probe = element.ownerDocument.createElement("span");
  element.append(probe);
  const entries = Object.entries(VARIABLES).map(([name, variable]) => {
    probe.style.color = `var(${variable})`;
    return [name, getComputedStyle(probe).color];
  });
  probe.remove();
  return Object.fromEntries(entries) as Colours;
}

/** The theme's colours where an element is, anew when the theme changes. */
export function useColours(place: RefObject<HTMLElement | null>): Colours | undefined {
  const [colours, setColours] = useState<Colours>();
  useEffect(() => {
    const read = () => place.current && setColours(readColours(place.current));
    read();
    const system = matchMedia("(prefers-color-scheme: dark)");
    const chosen = new MutationObserver(read);
    chosen.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    system.addEventListener("change", read);
    return () => {
      chosen.disconnect();
      system.removeEventListener("change", read);
    };
  }, [place]);
  return colours;
}
