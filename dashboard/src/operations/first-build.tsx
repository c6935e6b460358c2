import { useQuery } from "@connectrpc/connect-query";
import { FarmService } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import { shellQuote } from "../../../src/base/shell-quote.ts";
import { ALL_INSTANCES } from "../location/paths.ts";
import { CodeLine } from "../ui/code-line.tsx";
import { Empty } from "../ui/panels.tsx";

/** How to run the first build against the server that the page came from. */
export function FirstBuild({ instance }: { readonly instance: string }) {
  const { data } = useQuery(FarmService.method.listInstances);
  const names = (data?.instances ?? []).map(({ name }) => name);
  const name = instance === ALL_INSTANCES ? (names.find((known) => known !== "") ?? "") : instance;
  const scheme = location.protocol === "https:" ? "grpcs" : "grpc";
  const build = `bazel build //... --remote_executor=${scheme}://${location.host}${
    name === "" ? "" : ` --remote_instance_name=${shellQuote(name)}`
  }`;
  const list = `opgrid operation list --remote ${location.origin}${
    name === "" ? "" : ` --instance-name ${shellQuote(name)}`
  }`;
  return (
    <Empty title="No operation yet">
      <p>Run a build through this server, and it shows here as it happens:</p>
      <CodeLine text={build} what="the Bazel command" />
      <p>The same list on the command line:</p>
      <CodeLine text={list} what="the list command" />
    </Empty>
  );
}
