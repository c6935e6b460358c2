import type { Property } from "../format/properties.ts";
import "./properties.css";

/** What a platform requires, or a worker offers; in words where that is nothing. */
export function Properties({ of, none }: { readonly of: readonly Property[]; readonly none: string }) {
  if (of.length === 0) return <span className="dim">{none}</span>;
  return (
    <ul className="properties">
      {of.map(({ name, value }) => (
        <li key={`${name}=${value}`} title={`${name}=${value}`}>
          <span className="property-name">{name}</span>
          {value}
        </li>
      ))}
    </ul>
  );
}
