import { useEffect, useState } from "react";
import { onThemeChange, type Palette, readPalette } from "../ui/palette.ts";

/** The colours of the theme, anew when that changes; undefined until the page is there. */
export function useColours(): Palette | undefined {
  const [colours, setColours] = useState<Palette>();
  useEffect(() => {
    const read = () => setColours(readPalette());
    read();
    return onThemeChange(read);
  }, []);
  return colours;
}
