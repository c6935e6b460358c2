import { Link } from "wouter";
import { type BuildKind, operationsPath } from "../location/paths.ts";
import { FirstBuild } from "../operations/first-build.tsx";
import { Empty } from "../ui/panels.tsx";

/** Why no build is listed, and what makes one be. */
export function NoBuilds({ kind, instance }: { readonly kind: BuildKind; readonly instance: string }) {
  return (
    <>
      <Empty title={kind === "invocation" ? "No build yet" : "No group of builds yet"}>
        <p>
          {kind === "invocation"
            ? "Operations are put together by the invocation id that a tool sends with them in RequestMetadata. Bazel, Buck2 and recc send one by themselves."
            : "Builds are put together by the correlated invocations id that a tool sends with them in RequestMetadata. Bazel sends its build request id; recc what RECC_CORRELATED_INVOCATIONS_ID says."}
        </p>
        <p>
          <Link href={operationsPath(instance)}>All operations, whatever sent them</Link>
        </p>
      </Empty>
      {kind === "invocation" && <FirstBuild instance={instance} />}
    </>
  );
}

interface UnknownBuildProps {
  readonly id: string;
  readonly instance: string;
  readonly filter: string;
}

/** What is said of a build of which nothing is known. */
export function UnknownBuild({ id, instance, filter }: UnknownBuildProps) {
  return (
    <Empty title="Nothing is known of this build">
      <p>
        <code>{id}</code>
      </p>
      <p>
        It has not sent an operation yet, or its operations are past the time for which ended ones are kept, or the link
        is of another server or instance. As soon as there is an operation of it, it shows here.
      </p>
      <p>
        <Link href={operationsPath(instance, filter)}>The filter of this build</Link>
      </p>
    </Empty>
  );
}
