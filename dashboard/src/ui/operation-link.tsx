import type { ReactNode } from "react";
import { Link } from "wouter";
import { useInstance } from "../location/parameters.ts";
import { operationPath } from "../location/paths.ts";

interface OperationLinkProps {
  /** `<instance>/<id>`. */
  readonly name: string;
  readonly tabIndex?: number;
  readonly children: ReactNode;
}

/** Leads to an operation; the instance that the page shows stays chosen. */
export function OperationLink({ name, tabIndex, children }: OperationLinkProps) {
  const [instance] = useInstance();
  return (
    <Link href={operationPath(name, instance)} title={name} tabIndex={tabIndex}>
      {children}
    </Link>
  );
}
