import { hash } from "node:crypto";
import type { OperationChange } from "../../gen/opgrid/v1/opgrid_pb.ts";
import { statusText } from "./failure.ts";
import type { FeedEvent } from "./operation-feed.ts";
import { operationJson } from "./operation-json.ts";
import { fields } from "./operation-row.ts";
import type { Shell } from "./shell.ts";
import { summarize } from "./summary.ts";
import { durationText, printable } from "./text.ts";

/** How changes are written. */
export interface ChangeLinesOptions {
  readonly json: boolean;
  /** Operations that match already are not told, so that any may leave. */
  readonly changesOnly: boolean;
}

/** A digest that is short to keep: by it a state is known that was written before. */
function fingerprint(text: string): string {
  return hash("sha1", text, "base64url");
}

/**
 * Makes a writer of a line for each change, for programs. States that read the same are one. Of each operation that
 * matches it keeps the name and a digest.
 */
export function createChangeLines({ json, changesOnly }: ChangeLinesOptions, shell: Shell): (event: FeedEvent) => void {
  const written = new Map<string, string>();
  let connected = true;
  let begun = false;

  function write(text: string, value: object): void {
    shell.out(json ? `${JSON.stringify(value)}\n` : `${new Date(shell.clock.now()).toISOString()}\t${text}\n`);
  }

  function tell({ change }: OperationChange): void {
    // No summaries were asked for.
    if (change.case === undefined || change.case === "summary") return;
    if (change.case !== "operation") {
      const known = written.delete(change.value);
      if (known || changesOnly) write(`${printable(change.value)}\t${change.case}`, { [change.case]: change.value });
      return;
    }
    const value = json ? operationJson(change.value) : {};
    const text = json ? "" : fields(summarize(change.value));
    const print = fingerprint(json ? JSON.stringify(value) : text);
    if (written.get(change.value.name) === print) return;
    written.set(change.value.name, print);
    write(text, value);
  }

  return (event) => {
    if (event.kind === "lost") {
      const pause = durationText(event.pauseMs);
      if (connected) shell.err(`connection lost, trying again in ${pause} and later: ${statusText(event.error)}\n`);
      connected = false;
    } else if (event.kind === "news") {
      if (!connected) shell.err("connected again\n");
      connected = true;
      if (event.response.reset) {
        written.clear();
        if (begun) write("\treset", { reset: true });
      }
      begun = true;
      for (const change of event.response.changes) tell(change);
    }
  };
}
