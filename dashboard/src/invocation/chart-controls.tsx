import type { KeyboardEvent } from "react";
import type { Direction } from "./chart-layout.ts";

const ZOOM = 1.5;
const DIRECTIONS: Readonly<Record<string, Direction>> = {
  ArrowLeft: "before",
  ArrowRight: "after",
  ArrowUp: "above",
  ArrowDown: "below",
};

/** What keys do to a chart. */
export interface ChartKeys {
  onSelect(direction: Direction): void;
  /** Opens what is selected. */
  onOpen(): void;
  /** By a share of what is shown. */
  onPan(share: number): void;
  onZoom(factor: number): void;
  onAll(): void;
}

/** Hears the keys of a chart that has the focus. */
export function onChartKey(keys: ChartKeys): (event: KeyboardEvent) => void {
  return (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const action = actionOf(event, keys);
    if (!action) return;
    event.preventDefault();
    action();
  };
}

function actionOf({ key, shiftKey }: KeyboardEvent, keys: ChartKeys): (() => void) | undefined {
  const direction = DIRECTIONS[key];
  if (shiftKey && (direction === "before" || direction === "after")) {
    return () => keys.onPan(direction === "after" ? 0.2 : -0.2);
  }
  if (direction) return () => keys.onSelect(direction);
  if (key === "+" || key === "=") return () => keys.onZoom(1 / ZOOM);
  if (key === "-") return () => keys.onZoom(ZOOM);
  if (key === "0") return keys.onAll;
  return key === "Enter" ? keys.onOpen : undefined;
}

interface ZoomButtonsProps {
  readonly zoom: (factor: number) => void;
  readonly pan: (share: number) => void;
  readonly chosen: boolean;
  readonly onAll: () => void;
}

/** The same for the mouse and for fingers. `chosen` when not all is shown. */
export function ZoomButtons({ zoom, pan, chosen, onAll }: ZoomButtonsProps) {
  return (
    <fieldset className="chart-buttons">
      <legend className="off-screen">Time shown</legend>
      <button type="button" aria-label="Earlier" disabled={!chosen} onClick={() => pan(-0.3)}>
        ←
      </button>
      <button type="button" aria-label="Later" disabled={!chosen} onClick={() => pan(0.3)}>
        →
      </button>
      <button type="button" aria-label="Zoom out" disabled={!chosen} onClick={() => zoom(ZOOM)}>
        −
      </button>
      <button type="button" aria-label="Zoom in" onClick={() => zoom(1 / ZOOM)}>
        +
      </button>
      <button type="button" disabled={!chosen} onClick={onAll}>
        All
      </button>
    </fieldset>
  );
}
