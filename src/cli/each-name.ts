import type { CallOptions } from "@connectrpc/connect";
import { StatusError } from "../base/errors.ts";
import { type Clients, fullName } from "./client.ts";
import { ExitCode } from "./exit-codes.ts";
import { isOutage, statusText } from "./failure.ts";
import type { Shell } from "./shell.ts";
import { printable } from "./text.ts";

/** What to do with a name, and what to say when it is done. */
export interface Deed<Answer> {
  /** As "cancelled"; the name follows. */
  done(answer: Answer): string;
  call(request: { name: string }, options: CallOptions): Promise<Answer>;
}

/** Does the same with several operations. One that fails does not spare the others; a server that is gone does. */
export async function eachName<Answer>(
  clients: Clients,
  names: readonly string[],
  deed: Deed<Answer>,
  shell: Shell,
): Promise<ExitCode> {
  let exitCode: ExitCode = ExitCode.OK;
  for (const given of names) {
    const name = fullName(clients, given);
    try {
      const answer = await deed.call({ name }, { signal: shell.signal });
      shell.out(`${deed.done(answer)} ${printable(name)}\n`);
    } catch (error) {
      if (shell.signal.aborted || !(error instanceof StatusError) || isOutage(error)) throw error;
      shell.err(`error: ${printable(name)}: ${statusText(error)}\n`);
      exitCode = ExitCode.FAILED;
    }
  }
  return exitCode;
}
