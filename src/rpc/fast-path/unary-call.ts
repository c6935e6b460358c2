import type { Message } from "@bufbuild/protobuf";
import { encodingOf } from "../../services/services.ts";
import type { Invoke, UnarySpec } from "../invoke.ts";
import { type Call, fail, finish } from "./call.ts";

/** Answers a call with one message. */
export async function answerUnary(call: Call<UnarySpec>, request: () => Message, invoke: Invoke): Promise<void> {
  const { method, context } = call;
  try {
    const response = await invoke(method.spec, request(), context);
    finish(call, encodingOf(response, method.frame));
  } catch (error) {
    fail(call, error);
  }
}
