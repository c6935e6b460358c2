import type { Column } from "./columns.tsx";
import type { Sort } from "./filter-text.ts";

interface TableHeadProps {
  /** Undefined where each row has one cell, which needs no heading for the eye. */
  readonly columns: readonly Column[] | undefined;
  /** Whether the reader has chosen them. */
  readonly chosen: boolean;
  readonly sort: Sort | undefined;
  readonly onSort: (sort: Sort) => void;
}

/** The widths and headings of the columns; a click on one sorts by it. */
export function TableHead({ columns, chosen, sort, onSort }: TableHeadProps) {
  if (!columns) {
    return (
      <thead className="off-screen">
        <tr aria-rowindex={1}>
          <th scope="col">Operation</th>
        </tr>
      </thead>
    );
  }
  return (
    <>
      <colgroup>
        {columns.map(({ id, width, priority, stretches }) => (
          <col
            key={id}
            className={`priority-${priority}`}
            style={stretches && !chosen ? undefined : { width: `${width}ch` }}
          />
        ))}
      </colgroup>
      <thead>
        <tr aria-rowindex={1}>
          {columns.map((column) => (
            <Heading key={column.id} column={column} sort={sort} onSort={onSort} />
          ))}
        </tr>
      </thead>
    </>
  );
}

interface HeadingProps {
  readonly column: Column;
  readonly sort: Sort | undefined;
  readonly onSort: (sort: Sort) => void;
}

function Heading({ column: { title, sortKey, priority, numeric }, sort, onSort }: HeadingProps) {
  const className = `priority-${priority}${numeric ? " numeric" : ""}`;
  if (sortKey === undefined) {
    return (
      <th scope="col" className={className}>
        {title}
      </th>
    );
  }
  const isSorted = sort?.key === sortKey;
  const descending = isSorted && sort.descending;
  const direction = descending ? "descending" : "ascending";
  return (
    <th scope="col" className={className} aria-sort={isSorted ? direction : "none"}>
      <button
        type="button"
        className="sort"
        onClick={() => onSort({ key: sortKey, descending: isSorted ? !descending : true })}
      >
        {title}
        <span aria-hidden="true">{isSorted ? (descending ? " ▾" : " ▴") : ""}</span>
      </button>
    </th>
  );
}
