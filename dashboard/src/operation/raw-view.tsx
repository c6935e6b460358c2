import { useMemo } from "react";
import { type Operation, OperationSchema } from "../../../gen/google/longrunning/operations_pb.ts";
import { rowsOf } from "../cas/text-rows.ts";
import { Rows } from "../cas/text-view.tsx";
import { CodeLine } from "../ui/code-line.tsx";
import { CopyButton } from "../ui/copy-button.tsx";
import { elsewhere } from "./elsewhere.ts";
import { rawJson } from "./raw-json.ts";

const TOOLS = [
  ["opgrid", "With opgrid"],
  ["curl", "With curl"],
  ["grpcurl", "With grpcurl"],
] as const;

/** The operation as JSON, and how to get it and more elsewhere. */
export function RawView({ operation, name }: { readonly operation: Operation; readonly name: string }) {
  const json = useMemo(() => rawJson(OperationSchema, operation), [operation]);
  const rows = useMemo(() => rowsOf(json), [json]);
  const lines = elsewhere(location, name);
  return (
    <>
      <div className="section-title">
        <h2>JSON</h2>
        <CopyButton text={json} what="the JSON" />
      </div>
      <Rows rows={rows} count={rows.length} what="The operation as JSON" />
      {TOOLS.map(([tool, title]) => (
        <section key={tool} className="elsewhere">
          <h2>{title}</h2>
          <dl>
            {lines
              .filter((line) => line.tool === tool)
              .map(({ does, text }) => (
                <div key={text}>
                  <dt>{does}</dt>
                  <dd>
                    <CodeLine text={text} what={`the ${tool} command: ${does}`} />
                  </dd>
                </div>
              ))}
          </dl>
        </section>
      ))}
    </>
  );
}
