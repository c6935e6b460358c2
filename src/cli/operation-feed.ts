import { BadRequestSchema } from "../../gen/google/rpc/error_details_pb.ts";
import type { WatchOperationsResponse } from "../../gen/opgrid/v1/opgrid_pb.ts";
import { Code, StatusError, unavailable } from "../base/errors.ts";
import { backoffMs, isTransient } from "../worker/worker.ts";
import type { Clients } from "./client.ts";
import { isOutage } from "./failure.ts";
import { pause } from "./patience.ts";
import type { Shell } from "./shell.ts";

/** Which operations are followed. */
export interface FeedRequest {
  readonly filter: string;
  readonly changesOnly: boolean;
}

/** What happens while operations are followed. */
export type FeedEvent =
  | { readonly kind: "news"; readonly response: WatchOperationsResponse }
  /** The connection is gone; the next try is `pauseMs` later. */
  | { readonly kind: "lost"; readonly error: StatusError; readonly pauseMs: number }
  /** The server is asked again. What it says next is the first news of it. */
  | { readonly kind: "retrying" };

/** A call that lasted this long was a success, whatever ended it. */
const SUCCESS_MS = 10_000;

/** The server does not take the token: it may have another default filter than before. */
function refusesToken(error: unknown): boolean {
  if (!(error instanceof StatusError) || error.code !== Code.InvalidArgument) return false;
  const violations = error.findDetails(BadRequestSchema).flatMap(({ fieldViolations }) => fieldViolations);
  return violations.some(({ field }) => field === "resume_token");
}

/**
 * Follows operations until the user stops the command, which throws the reason. Once the server has answered, a lost
 * connection is made again and again, with pauses that become longer, and the watch goes on where it was. Throws what
 * another try does not mend.
 */
export async function* followOperations(
  clients: Clients,
  request: FeedRequest,
  shell: Shell,
): AsyncGenerator<FeedEvent, never, undefined> {
  const { instanceName, farm } = clients;
  let resumeToken = "";
  let failures = 0;
  for (let heard = false; ; ) {
    const startedAt = shell.clock.now();
    let error: unknown = unavailable("the server ended the watch", 0);
    try {
      // A signal for this call alone, so that the listeners of calls that are over do not gather on the other one.
      const signal = AbortSignal.any([shell.signal]);
      for await (const response of farm.watchOperations({ instanceName, ...request, resumeToken }, { signal })) {
        heard = true;
        resumeToken = response.resumeToken;
        yield { kind: "news", response };
      }
    } catch (reason) {
      error = reason;
    }
    shell.signal.throwIfAborted();
    const startAnew = resumeToken !== "" && refusesToken(error);
    if (startAnew) resumeToken = "";
    const mendable = startAnew || isTransient(error) || isOutage(error);
    if (!heard || !mendable || !(error instanceof StatusError)) throw error;
    failures = shell.clock.now() - startedAt < SUCCESS_MS ? failures + 1 : 0;
    const pauseMs = backoffMs(failures, error);
    yield { kind: "lost", error, pauseMs };
    await pause(shell, pauseMs);
    yield { kind: "retrying" };
  }
}
