import { type ContextValues, createContextKey, type HandlerContext } from "@connectrpc/connect";
import { unimplemented } from "../base/errors.ts";
import type { Instance, Resolved } from "../instances/instances.ts";

const key = createContextKey<Resolved | undefined>(undefined, { description: "what the request is about" });

/** Dispatch says what a call is about, before any service sees the call. */
export function setTarget(values: ContextValues, target: Resolved): void {
  values.set(key, target);
}

/** What a bot's call is about; its home may be `*`. Throws a bug's error when dispatch did not run. */
export function botTarget(context: HandlerContext): Resolved {
  const resolved = context.values.get(key);
  if (!resolved) throw new Error(`${context.method.parent.typeName}/${context.method.name} was not dispatched`);
  return resolved;
}

/** What the call is about, for all services but those that `*` serves too. */
export function target(context: HandlerContext): Resolved & { readonly instance: Instance } {
  const resolved = botTarget(context);
  if (!resolved.instance) throw new Error(`${resolved.home.name} is no instance, but serves ${context.method.name}`);
  return { ...resolved, instance: resolved.instance };
}

/** All instances as one; undefined when the call is about one of them. */
export function allInstances(context: HandlerContext): Resolved["across"] {
  return botTarget(context).across;
}

/** The blob that a ByteStream call names. UNIMPLEMENTED for a compressor that is not served. */
export function targetBlob(context: HandlerContext) {
  const { instance, blob } = target(context);
  if (!blob) throw new Error(`${context.method.name} names no blob`);
  if (blob.compressor !== "identity") {
    throw unimplemented(
      "COMPRESSOR_NOT_SUPPORTED",
      `compressor ${blob.compressor} is not supported; see GetCapabilities`,
    );
  }
  return { ...blob, instance };
}
