import type { ReactNode } from "react";
import { instanceText } from "../format/instance.ts";
import { agoText, dateText } from "../format/time.ts";
import { type BuildKind, invocationPath, operationPath, operationsPath } from "../location/paths.ts";
import { StandingBadge } from "../ui/stage.tsx";
import { negated } from "./filter-text.ts";
import type { Row } from "./row.ts";
import { standingCondition } from "./standing-condition.ts";

/** What the cells of a row are told. */
export interface CellContext {
  readonly now: number;
  /** That the page shows. */
  readonly instance: string;
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

interface CellLinkProps {
  readonly href: string;
  readonly title?: string;
  readonly tabIndex?: number;
  readonly children: ReactNode;
}

/** A link within the dashboard, which the table follows for all its cells: a router's own link listens to it four times. */
function CellLink({ href, title, tabIndex, children }: CellLinkProps) {
  return (
    <a href={href} title={title} tabIndex={tabIndex} data-within="">
      {children}
    </a>
  );
}

interface OperationCellProps {
  readonly name: string;
  readonly context: CellContext;
  readonly children: ReactNode;
}

/** Leads to an operation. */
export function OperationCell({ name, context, children }: OperationCellProps) {
  return (
    <CellLink href={operationPath(name, context.instance)} title={name} tabIndex={context.tabIndex}>
      {children}
    </CellLink>
  );
}

interface BuildCellProps {
  readonly id: string;
  readonly kind: BuildKind;
  readonly context: CellContext;
}

/** Leads to all operations of a build. */
export function BuildCell({ id, kind, context }: BuildCellProps) {
  if (id === "") return null;
  const href = invocationPath(context.instance, id, kind);
  return (
    <CellLink href={href} title={`The build ${id}`} tabIndex={context.tabIndex}>
      {id}
    </CellLink>
  );
}

/** Leads to the list of an instance. */
export function InstanceCell({ instance, context }: { readonly instance: string; readonly context: CellContext }) {
  return (
    <CellLink href={operationsPath(instance)} tabIndex={context.tabIndex}>
      {instanceText(instance)}
    </CellLink>
  );
}
