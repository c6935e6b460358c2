import type { ReactNode } from "react";
import { Link } from "wouter";
import { agoText, dateText } from "../format/time.ts";
import { useInstance } from "../location/parameters.ts";
import { type BuildKind, invocationPath, operationsPath } from "../location/paths.ts";
import { StandingBadge } from "../ui/stage.tsx";
import { negated } from "./filter-text.ts";
import type { Row } from "./row.ts";
import { standingCondition } from "./standing-condition.ts";

/** What the cells of a row are told. */
export interface CellContext {
  readonly now: number;
  /** Narrows the list by a condition of the filter language. */
  readonly onNarrow: (condition: string) => void;
  /** Of links and buttons: only those of the selected row are in the way of Tab. */
  readonly tabIndex: 0 | -1;
}

interface NarrowProps {
  readonly condition: string;
  readonly context: CellContext;
  readonly children: ReactNode;
}

/** A click narrows the list to what is like this, with Alt or Shift to everything else. */
export function Narrow({ condition, context, children }: NarrowProps) {
  return (
    <button
      type="button"
      className="narrow"
      title={`Only ${condition}\nwith Alt or Shift: everything else`}
      tabIndex={context.tabIndex}
      onClick={(event) => {
        event.stopPropagation();
        context.onNarrow(event.altKey || event.shiftKey ? negated(condition) : condition);
      }}
    >
      {children}
    </button>
  );
}

/** How the operation is. */
export function StandingCell({ row, context }: { readonly row: Row; readonly context: CellContext }) {
  return (
    <Narrow condition={standingCondition(row)} context={context}>
      <StandingBadge {...row} />
    </Narrow>
  );
}

interface TimeCellProps {
  readonly ms: number | undefined;
  readonly now: number;
}

/** How long ago; the exact time when pointed at. */
export function TimeCell({ ms, now }: TimeCellProps) {
  if (ms === undefined) return null;
  return (
    <time dateTime={new Date(ms).toISOString()} title={dateText(ms)}>
      {agoText(ms, now)}
    </time>
  );
}

interface BuildCellProps {
  readonly id: string;
  readonly kind: BuildKind;
  readonly context: CellContext;
}

/** Leads to all operations of a build. */
export function BuildCell({ id, kind, context }: BuildCellProps) {
  const [instance] = useInstance();
  if (id === "") return null;
  return (
    <Link href={invocationPath(instance, id, kind)} title={`The build ${id}`} tabIndex={context.tabIndex}>
      {id}
    </Link>
  );
}

/** Leads to the list of an instance. */
export function InstanceCell({ instance, context }: { readonly instance: string; readonly context: CellContext }) {
  return (
    <Link href={operationsPath(instance)} tabIndex={context.tabIndex}>
      {instance === "" ? "(nameless)" : instance}
    </Link>
  );
}
