import type { ServiceImpl } from "@connectrpc/connect";
import { type ActionCache, ActionResultSchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { digestKey } from "../base/digests.ts";
import { invalidField, notFound, unimplemented } from "../base/errors.ts";
import { toDigest } from "../base/wire-digests.ts";
import { checkShowable } from "./showable.ts";
import { target } from "./target.ts";

/** REAPI ActionCache. A result is only answered while all that it refers to is still in the CAS. */
export function actionCacheService(): ServiceImpl<typeof ActionCache> {
  return {
    getActionResult: async (request, context) => {
      const { instance } = target(context);
      const action = toDigest(request.actionDigest, request.digestFunction, "action_digest");
      const result = await instance.actionCache.get(action);
      if (!result) throw notFound("action result", digestKey(action));
      return result;
    },
    updateActionResult: async (request, context) => {
      const { instance } = target(context);
      if (!instance.settings.actionCacheUpdates) {
        throw unimplemented("UPDATES_NOT_ENABLED", `clients may not write the action cache of "${instance.name}"`);
      }
      const action = toDigest(request.actionDigest, request.digestFunction, "action_digest");
      if (!request.actionResult) throw invalidField("action_result", "is missing");
      checkShowable(ActionResultSchema, request.actionResult, "action_result", context.requestHeader);
      await instance.actionCache.put(action, request.actionResult);
      return request.actionResult;
    },
  };
}
