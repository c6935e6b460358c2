import { shellQuote } from "../../../src/base/shell-quote.ts";
import { ALL_INSTANCES } from "../location/paths.ts";
import { CodeLine } from "../ui/code-line.tsx";
import { Empty } from "../ui/panels.tsx";

/** How to start a worker of the server that the page came from. */
export function NoWorkers({ instance }: { readonly instance: string }) {
  const scheme = location.protocol === "https:" ? "grpcs" : "grpc";
  const name = instance === ALL_INSTANCES ? "" : ` --instance-name ${shellQuote(instance)}`;
  const bot = `opgrid bot --remote ${scheme}://${location.host}${name}`;
  return (
    <Empty title="No worker serves this">
      <p>
        Jobs wait until one does. A server starts workers of its own unless its setting <code>bots</code> is 0. This
        starts another one, on any machine that reaches the server; it shows here at once:
      </p>
      <CodeLine text={bot} what="the command that starts a worker" />
      <p>
        It offers the system and processor of its machine as <code>OSFamily</code> and <code>ISA</code>. What else jobs
        require is added, as with <code>--property pool=large</code>.
      </p>
    </Empty>
  );
}
