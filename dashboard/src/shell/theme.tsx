import { useState } from "react";

type Theme = "auto" | "light" | "dark";
const KEY = "opgrid.theme";
const NEXT: Record<Theme, Theme> = { auto: "light", light: "dark", dark: "auto" };

function stored(): Theme {
  try {
    const theme = localStorage.getItem(KEY);
    return theme === "light" || theme === "dark" ? theme : "auto";
  } catch {
    return "auto";
  }
}

function apply(theme: Theme): void {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // A browser that keeps nothing forgets this too.
  }
}

/** Shows the page as it was chosen last; as the system is, unless somebody chose. */
export function restoreTheme(): void {
  apply(stored());
}

/** Goes through: as the system is, light, dark. */
export function ThemeButton() {
  const [theme, setTheme] = useState(stored);
  const onClick = () => {
    apply(NEXT[theme]);
    setTheme(NEXT[theme]);
  };
  return (
    <button type="button" className="quiet" onClick={onClick} aria-label={`Colours: ${theme}`} title="Colours">
      <span aria-hidden="true">{{ auto: "◐", light: "☀", dark: "☾" }[theme]}</span>
    </button>
  );
}
