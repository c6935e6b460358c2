import { useState } from "react";
import { Link } from "wouter";
import { operationsPath } from "../location/paths.ts";
import { Menu } from "./menu.tsx";
import { useViews } from "./use-views.ts";
import { BUILT_IN, renamed, type View, viewOf, withoutView, withView } from "./views.ts";

interface ViewBarProps {
  readonly instance: string;
  readonly filter: string;
  readonly columns: string | undefined;
}

/** The views, each a link, and where the reader's own are kept. */
export function ViewBar({ instance, filter, columns }: ViewBarProps) {
  const [own, change] = useViews();
  const all = [...BUILT_IN, ...own];
  const current = viewOf(all, filter, columns);
  return (
    <nav className="views" aria-label="Views">
      {all.map((view) => (
        <Link
          key={`${BUILT_IN.includes(view)} ${view.name}`}
          href={operationsPath(instance, view.filter || undefined, view.columns)}
          aria-current={view === current ? "true" : undefined}
        >
          {view.name}
        </Link>
      ))}
      <Menu title="Save">
        {(close) => (
          <>
            <SaveForm
              onSave={(name) => {
                change((views) => withView(views, { name, filter, columns }));
                close();
              }}
            />
            {own.length > 0 && (
              <ul className="own-views" aria-label="Your views">
                {own.map((view) => (
                  <OwnView
                    key={view.name}
                    view={view}
                    onRename={(name) => change((views) => renamed(views, view.name, name))}
                    onDelete={() => change((views) => withoutView(views, view.name))}
                  />
                ))}
              </ul>
            )}
          </>
        )}
      </Menu>
    </nav>
  );
}

function SaveForm({ onSave }: { readonly onSave: (name: string) => void }) {
  const [name, setName] = useState("");
  return (
    <form
      className="menu-line"
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim() !== "") onSave(name);
      }}
    >
      <input
        aria-label="Name of the view"
        placeholder="Name for this list"
        value={name}
        maxLength={60}
        // biome-ignore lint/a11y/noAutofocus: the reader has just opened the form to write here
        autoFocus
        onChange={({ target }) => setName(target.value)}
      />
      <button type="submit" className="primary" disabled={name.trim() === ""}>
        Save
      </button>
    </form>
  );
}

interface OwnViewProps {
  readonly view: View;
  readonly onRename: (name: string) => void;
  readonly onDelete: () => void;
}

function OwnView({ view, onRename, onDelete }: OwnViewProps) {
  const [name, setName] = useState(view.name);
  const isRenamed = name.trim() !== "" && name.trim() !== view.name;
  return (
    <li>
      <form
        className="menu-line"
        onSubmit={(event) => {
          event.preventDefault();
          if (isRenamed) onRename(name);
        }}
      >
        <input
          aria-label={`Name of ${view.name}`}
          title={view.filter}
          value={name}
          maxLength={60}
          onChange={({ target }) => setName(target.value)}
        />
        <button type="submit" disabled={!isRenamed} aria-label={`Rename ${view.name}`}>
          Rename
        </button>
        <button type="button" className="danger" onClick={onDelete} aria-label={`Delete ${view.name}`}>
          Delete
        </button>
      </form>
    </li>
  );
}
