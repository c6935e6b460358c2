import { Link, useLocation } from "wouter";
import { useInstance } from "../location/parameters.ts";
import { buildsPath, operationsPath, overviewPath, workersPath } from "../location/paths.ts";
import { InstanceSwitcher } from "./instance-switcher.tsx";
import { ThemeButton } from "./theme.tsx";
import "./header.css";

const TABS = [
  { title: "Operations", path: operationsPath, is: /^\/($|operations)/ },
  { title: "Builds", path: (instance: string) => buildsPath(instance), is: /^\/invocations/ },
  { title: "Workers", path: workersPath, is: /^\/workers/ },
  { title: "Overview", path: overviewPath, is: /^\/overview/ },
] as const;

/** What stands on top of every page. */
export function Header({ onHelp }: { readonly onHelp: () => void }) {
  const [location] = useLocation();
  const [instance] = useInstance();
  return (
    <header className="top">
      <a className="skip" href="#main">
        Skip to content
      </a>
      <Link className="brand" href={operationsPath(instance)}>
        opgrid
      </Link>
      <nav aria-label="Pages">
        {TABS.map(({ title, path, is }) => (
          <Link key={title} href={path(instance)} aria-current={is.test(location) ? "page" : undefined}>
            {title}
          </Link>
        ))}
      </nav>
      <span className="grow" />
      <InstanceSwitcher />
      <ThemeButton />
      <button type="button" className="quiet" onClick={onHelp} aria-label="Keys and help">
        <span aria-hidden="true">?</span>
      </button>
    </header>
  );
}
