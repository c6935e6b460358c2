import { useQuery } from "@connectrpc/connect-query";
import { FarmService } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import { ALL_INSTANCES } from "../location/paths.ts";
import type { LanguageKey } from "./filter-completion.ts";

const NONE: readonly LanguageKey[] = [];

/** The keys of the filter language, once the server has told them: those of any instance are those of all. */
export function useLanguageKeys(instance: string): readonly LanguageKey[] {
  const isAll = instance === ALL_INSTANCES;
  const { data: listed } = useQuery(FarmService.method.listInstances, {}, { enabled: isAll });
  const instanceName = isAll ? listed?.instances[0]?.name : instance;
  const { data } = useQuery(
    FarmService.method.getOperationFilters,
    { instanceName: instanceName ?? "" },
    { enabled: instanceName !== undefined, staleTime: Number.POSITIVE_INFINITY },
  );
  return data?.filters ?? NONE;
}
