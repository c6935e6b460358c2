import type { Command } from "commander";
import { type CommandContext, withExamples } from "./command.ts";
import { addCancel } from "./operation-cancel.ts";
import { addDelete } from "./operation-delete.ts";
import { addGet } from "./operation-get.ts";
import { addHistory } from "./operation-history.ts";
import { addKill } from "./operation-kill.ts";
import { addList } from "./operation-list.ts";
import { addStats } from "./operation-stats.ts";
import { addWait } from "./operation-wait.ts";
import { addWatch } from "./operation-watch.ts";

/** `opgrid operation`: plain clients of the port, of opgrid's or of any server that speaks the same services. */
export function addOperation(parent: Command, context: CommandContext): void {
  const command = parent
    .command("operation")
    .alias("op")
    .description("Lists, shows, follows, cancels and deletes the operations of a server.");
  addList(command, context);
  addGet(command, context);
  addWait(command, context);
  addWatch(command, context);
  addStats(command, context);
  addHistory(command, context);
  addCancel(command, context);
  addKill(command, context);
  addDelete(command, context);
  withExamples(command, "opgrid operation list --remote http://127.0.0.1:50051 --instance-name main");
}
