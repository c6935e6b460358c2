import { useQuery } from "@tanstack/react-query";
import type { Worker } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import { farm } from "../api/clients.ts";
import { every } from "../api/polling.ts";

const PAGE_SIZE = 1000;

async function allWorkers(instanceName: string, signal: AbortSignal): Promise<readonly Worker[]> {
  const workers: Worker[] = [];
  let pageToken = "";
  do {
    const page = await farm.listWorkers({ instanceName, pageSize: PAGE_SIZE, pageToken }, { signal });
    workers.push(...page.workers);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return workers;
}

/** All workers that serve an instance, asked for anew as often as said; of very many less often. */
export function useWorkers(instance: string, everyMs: number) {
  return useQuery({
    queryKey: ["workers", instance],
    queryFn: ({ signal }) => allWorkers(instance, signal),
    refetchInterval: (query) => every(everyMs)(query) * Math.max(1, Math.ceil((query.state.data?.length ?? 0) / 2000)),
    structuralSharing: false,
  });
}
