import { useQuery } from "@connectrpc/connect-query";
import { FarmService } from "../../../gen/opgrid/v1/opgrid_pb.ts";
import type { LanguageKey } from "./filter-completion.ts";

const NONE: readonly LanguageKey[] = [];

/** The keys of the filter language, once the server has told them. */
export function useLanguageKeys(instance: string): readonly LanguageKey[] {
  const { data } = useQuery(
    FarmService.method.getOperationFilters,
    { instanceName: instance },
    { staleTime: Number.POSITIVE_INFINITY },
  );
  return data?.filters ?? NONE;
}
