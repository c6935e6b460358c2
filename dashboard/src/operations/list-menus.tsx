import { columns as allColumns, type Column } from "./columns.tsx";
import type { LanguageKey } from "./filter-completion.ts";
import type { Sort } from "./filter-text.ts";
import { Menu } from "./menu.tsx";

interface ColumnMenuProps {
  readonly shown: readonly Column[];
  /** Undefined for the usual ones. */
  readonly onChange: (ids: string | undefined) => void;
}

/** Chooses the columns. */
export function ColumnMenu({ shown, onChange }: ColumnMenuProps) {
  const toggle = (column: Column) => {
    const next = allColumns.filter((each) => shown.includes(each) !== (each === column));
    const isUsual = next.every((each) => !each.hiddenByDefault) && next.length === usualCount;
    onChange(isUsual ? undefined : next.map(({ id }) => id).join(","));
  };
  return (
    <Menu title="Columns">
      <ul className="column-list">
        {allColumns.map((column) => (
          <li key={column.id}>
            <label>
              <input
                type="checkbox"
                checked={shown.includes(column)}
                disabled={shown.length === 1 && shown[0] === column}
                onChange={() => toggle(column)}
              />
              {column.title}
            </label>
          </li>
        ))}
      </ul>
      <button type="button" onClick={() => onChange(undefined)}>
        Default columns
      </button>
    </Menu>
  );
}

const usualCount = allColumns.filter(({ hiddenByDefault }) => !hiddenByDefault).length;

interface SortMenuProps {
  readonly keys: readonly LanguageKey[];
  readonly sort: Sort | undefined;
  readonly onSort: (sort: Sort) => void;
}

/** Sorts by any key, also those without a column. */
export function SortMenu({ keys, sort, onSort }: SortMenuProps) {
  const { key = "queued_time", descending = false } = sort ?? {};
  return (
    <Menu title="Sort">
      <div className="menu-line">
        <label>
          <span className="off-screen">Sort by</span>
          <select value={key} onChange={({ target }) => onSort({ key: target.value, descending })}>
            {keys
              .filter(({ sortable }) => sortable)
              .map((each) => (
                <option key={each.key} value={each.key} title={each.description}>
                  {each.key}
                </option>
              ))}
          </select>
        </label>
        <button type="button" onClick={() => onSort({ key, descending: !descending })}>
          {descending ? "▾ Descending" : "▴ Ascending"}
        </button>
      </div>
    </Menu>
  );
}
