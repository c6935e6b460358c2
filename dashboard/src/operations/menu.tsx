import { type ReactNode, useEffect, useId, useRef, useState } from "react";

interface MenuProps {
  /** What the button says. */
  readonly title: string;
  readonly children: ReactNode | ((close: () => void) => ReactNode);
}

/** A button that shows a panel below itself, until Escape, a click elsewhere, or the focus going elsewhere. */
export function Menu({ title, children }: MenuProps) {
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const panel = useId();
  useEffect(() => {
    if (!isOpen) return;
    const onPointer = ({ target }: PointerEvent) => {
      if (target instanceof Node && !root.current?.contains(target)) setOpen(false);
    };
    document.addEventListener("pointerdown", onPointer);
    return () => document.removeEventListener("pointerdown", onPointer);
  }, [isOpen]);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes what the button opened, wherever the focus is in it
    <div
      className="menu"
      ref={root}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !isOpen) return;
        event.preventDefault();
        event.stopPropagation();
        close();
      }}
      onBlur={({ relatedTarget }) => {
        if (relatedTarget instanceof Node && !root.current?.contains(relatedTarget)) setOpen(false);
      }}
    >
      <button
        type="button"
        className="quiet"
        ref={button}
        aria-expanded={isOpen}
        aria-controls={isOpen ? panel : undefined}
        onClick={() => setOpen(!isOpen)}
      >
        {title} <span aria-hidden="true">▾</span>
      </button>
      {isOpen && (
        <section className="menu-panel" id={panel} aria-label={title}>
          {typeof children === "function" ? children(close) : children}
        </section>
      )}
    </div>
  );
}
