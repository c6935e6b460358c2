import { createChangeLines } from "./change-lines.ts";
import type { Clients } from "./client.ts";
import { type FilterFlags, filterOf } from "./filter-flags.ts";
import { createLiveTable } from "./live-table.ts";
import { followOperations } from "./operation-feed.ts";
import { openScreen } from "./screen.ts";
import type { Shell } from "./shell.ts";

/** What is followed, and how it is shown. */
export interface WatchAllFlags extends FilterFlags {
  readonly changesOnly?: true;
  readonly json?: true;
}

function titleOf({ instanceName }: Clients, filter: string): string {
  const instance = instanceName === "" ? "the nameless instance" : instanceName;
  const all = instanceName === "-" ? "all instances" : instance;
  return filter === "" ? all : `${all}, ${filter}`;
}

/** Follows all operations that match until the user stops it, which throws the reason. */
export async function watchAll(clients: Clients, flags: WatchAllFlags, shell: Shell): Promise<never> {
  const { json = false, changesOnly = false } = flags;
  const filter = filterOf(flags);
  const events = followOperations(clients, { filter, changesOnly }, shell);
  if (json || !shell.terminal || shell.env.TERM === "dumb") {
    const tell = createChangeLines({ json, changesOnly }, shell);
    for await (const event of events) tell(event);
  } else {
    const table = createLiveTable(titleOf(clients, filter), flags);
    using screen = openScreen(shell, table);
    for await (const event of events) {
      table.take(event, shell.clock.now());
      screen.changed();
    }
  }
  throw new Error("the watch ended by itself");
}
