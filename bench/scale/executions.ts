import { Execution } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { startFakeBots } from "../fake-bots.ts";
import { createGrpcClient } from "../grpc-client.ts";
import { pathOf } from "../methods.ts";
import { executeRequest, uploadActions } from "../scenarios/execute.ts";
import { endless, instances } from "../scenarios/group.ts";
import type { BenchServer } from "../servers.ts";
import type { Replicas, Site } from "./replicas.ts";

const path = pathOf(Execution.method.execute);

/** Starts bots on all replicas, and answers how to execute an action to its end; all actions are on all replicas. */
export async function prepareExecutions(
  site: Site,
  { servers }: Replicas,
  bots: number,
  cleanup: AsyncDisposableStack,
): Promise<(server: BenchServer) => Promise<unknown>> {
  const [actions = []] = await Promise.all(servers.map(({ client }) => uploadActions(client)));
  for (const [index, { url }] of servers.entries()) {
    const count = Math.floor((bots + index) / servers.length);
    const connection = cleanup.use(await createGrpcClient(url));
    const name = `bench-bot-${index}`;
    cleanup.use(startFakeBots(connection, { parent: instances.live, count, name, giveUp: site.giveUp }));
  }
  const next = endless(actions.map(executeRequest));
  return ({ client }) => client.call(path, next());
}
