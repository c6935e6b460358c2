import { type RefObject, useEffect, useRef, useState } from "react";

/** What the mouse, a finger or a pad does to a chart. Places and lengths in CSS pixels of the canvas. */
export interface PointerActions {
  onPoint(x: number, y: number): void;
  onLeave(): void;
  /** Time moves to the left by so much. */
  onPan(pixels: number): void;
  /** `factor` times as much is to be shown, with `x` where it is. */
  onZoom(factor: number, x: number): void;
  onClick(x: number, y: number): void;
}

/** A hand is not still when it clicks. */
const STILL = 4;

/** Hears the pointer on a canvas; tells whether something is being dragged. A plain wheel stays the page's. */
export function useChartPointer(place: RefObject<HTMLCanvasElement | null>, actions: PointerActions): boolean {
  const latest = useRef(actions);
  const [dragging, setDragging] = useState(false);
  useEffect(() => {
    latest.current = actions;
  });
  useEffect(() => {
    const canvas = place.current;
    if (!canvas) return;
    const at = (event: MouseEvent) => [event.offsetX, event.offsetY] as const;
    let pressed: { readonly from: number; last: number; isDrag: boolean } | undefined;
    const listeners = new AbortController();
    const options = { signal: listeners.signal };
    canvas.addEventListener(
      "wheel",
      (event) => {
        const by = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX;
        const zooms = event.ctrlKey || event.metaKey;
        if (!zooms && Math.abs(by) <= Math.abs(event.shiftKey ? 0 : event.deltaY)) return;
        event.preventDefault();
        if (zooms) latest.current.onZoom(1.002 ** event.deltaY, event.offsetX);
        else latest.current.onPan(by);
      },
      { ...options, passive: false },
    );
    canvas.addEventListener(
      "pointerdown",
      (event) => {
        if (event.button !== 0) return;
        pressed = { from: event.clientX, last: event.clientX, isDrag: false };
        canvas.setPointerCapture(event.pointerId);
      },
      options,
    );
    canvas.addEventListener(
      "pointermove",
      (event) => {
        if (!pressed) return latest.current.onPoint(...at(event));
        if (Math.abs(event.clientX - pressed.from) > STILL) pressed.isDrag = true;
        if (!pressed.isDrag) return;
        setDragging(true);
        latest.current.onPan(pressed.last - event.clientX);
        pressed.last = event.clientX;
      },
      options,
    );
    const release = () => {
      const wasClick = pressed?.isDrag === false;
      pressed = undefined;
      setDragging(false);
      return wasClick;
    };
    canvas.addEventListener("pointerup", (event) => release() && latest.current.onClick(...at(event)), options);
    canvas.addEventListener("pointercancel", release, options);
    canvas.addEventListener("pointerleave", () => latest.current.onLeave(), options);
    return () => listeners.abort();
  }, [place]);
  return dragging;
}
