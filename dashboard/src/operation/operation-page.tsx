import { toJsonString } from "@bufbuild/protobuf";
import { useQuery } from "@connectrpc/connect-query";
import { OperationSchema, Operations } from "../../../gen/google/longrunning/operations_pb.ts";
import { ErrorPanel, Loading } from "../ui/panels.tsx";

/** One operation: `/operations/<instance>/<id>`. */
export default function OperationPage({ name }: { readonly name: string }) {
  const { data, error, refetch } = useQuery(Operations.method.getOperation, { name });
  if (error) return <ErrorPanel error={error} onRetry={() => void refetch()} />;
  if (!data) return <Loading what="the operation" />;
  return <pre>{toJsonString(OperationSchema, data, { prettySpaces: 2 })}</pre>;
}
