import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { decodeBinaryHeader } from "@connectrpc/connect";
import { useEffect, useState, useSyncExternalStore } from "react";
import { RequestMetadataSchema } from "../../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { ClientIdentitySchema } from "../../../gen/build/buildgrid/identity_pb.ts";
import { farm, operations } from "../api/clients.ts";
import { createFollow, type Follow, type FollowDeps, type FollowState, type Who } from "./follow.ts";

const REQUEST_METADATA = "build.bazel.remote.execution.v2.requestmetadata-bin";
const CLIENT_IDENTITY = "buildgrid.v2.clientidentity-bin";

function trailer<D extends DescMessage>(trailers: Headers, name: string, schema: D): MessageShape<D> | undefined {
  try {
    const value = trailers.get(name);
    return value === null ? undefined : decodeBinaryHeader(value, schema);
  } catch {
    return undefined;
  }
}

const deps: FollowDeps = {
  watch: (request, options) => farm.watchOperations(request, options),
  get: async (name, signal) => {
    let who: Who = { metadata: undefined, identity: undefined };
    const onTrailer = (trailers: Headers) => {
      who = {
        metadata: trailer(trailers, REQUEST_METADATA, RequestMetadataSchema),
        identity: trailer(trailers, CLIENT_IDENTITY, ClientIdentitySchema),
      };
    };
    return { operation: await operations.getOperation({ name }, { signal, onTrailer }), who };
  },
  page: {
    isHidden: () => document.visibilityState === "hidden",
    subscribe: (listener) => {
      document.addEventListener("visibilitychange", listener);
      return () => document.removeEventListener("visibilitychange", listener);
    },
  },
};

const LOADING: FollowState = {
  ...{ phase: "loading", operation: undefined, who: undefined, error: undefined, retryAt: undefined },
};
const never = () => () => {};

/** Follows an operation for as long as the component is there. */
export function useFollow(name: string): [state: FollowState, follow: Follow | undefined] {
  const [follow, setFollow] = useState<Follow>();
  useEffect(() => {
    const made = createFollow(deps, name);
    setFollow(made);
    return () => made.close();
  }, [name]);
  return [useSyncExternalStore(follow?.subscribe ?? never, follow?.state ?? (() => LOADING)), follow];
}
