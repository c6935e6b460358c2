import { useQuery } from "@connectrpc/connect-query";
import { useMemo } from "react";
import type { ActionResult } from "../../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { Operations } from "../../../gen/google/longrunning/operations_pb.ts";
import { failureOf } from "../api/failure.ts";
import type { BlobHome } from "../cas/resource-names.ts";
import { TextView } from "../cas/text-view.tsx";
import { useWritten } from "../cas/use-blob.ts";
import { visibleLines } from "../format/visible.ts";
import { factsOf } from "../operation/facts.ts";
import { instanceOf } from "../operations/row.ts";

/** What a failed action says of it: its standard error, else its output, else why there is none. */
export function FailureOutput({ name }: { readonly name: string }) {
  const { data, error } = useQuery(
    Operations.method.getOperation,
    { name },
    { staleTime: Number.POSITIVE_INFINITY, gcTime: 60_000 },
  );
  const facts = useMemo(() => data && factsOf(data), [data]);
  if (error) return <p className="dim">{visibleLines(failureOf(error).message)}</p>;
  if (!facts) return <p className="dim">Loading its output …</p>;
  const home = { instance: instanceOf(name), digestFunction: facts.digestFunction };
  return (
    <>
      {facts.error && facts.error.message !== "" && <pre className="message">{visibleLines(facts.error.message)}</pre>}
      {facts.result && <Output result={facts.result} home={home} />}
    </>
  );
}

function Output({ result, home }: { readonly result: ActionResult; readonly home: BlobHome }) {
  const { stdoutRaw, stdoutDigest, stderrRaw, stderrDigest } = result;
  const complains = stderrRaw.byteLength > 0 || (stderrDigest?.sizeBytes ?? 0n) > 0n;
  const [raw, digest] = complains ? [stderrRaw, stderrDigest] : [stdoutRaw, stdoutDigest];
  const source = useWritten(home, { raw, digest });
  if (source.size === 0) return <p className="dim">It wrote nothing.</p>;
  return <TextView source={source} what={complains ? "stderr" : "stdout"} />;
}
