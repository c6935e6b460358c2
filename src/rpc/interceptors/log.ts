import type { DescMethod } from "@bufbuild/protobuf";
import { Code, type Interceptor } from "@connectrpc/connect";
import { StatusError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";

const SERVER_FAULTS: ReadonlySet<Code> = new Set([Code.Internal, Code.Unknown, Code.DataLoss]);

/** Writes the one line of a call: a fault of the server is a warning, everything else is for debugging. */
export function logCall(log: Logger, method: DescMethod, startedAt: number, error: unknown): void {
  const code = error === undefined ? undefined : StatusError.from(error).code;
  const fields = {
    method: `${method.parent.typeName}/${method.name}`,
    code: code === undefined ? "OK" : Code[code],
    ms: Math.round((performance.now() - startedAt) * 10) / 10,
    ...(code !== undefined && { error: StatusError.from(error).rawMessage }),
  };
  if (code !== undefined && SERVER_FAULTS.has(code)) log.warn(fields, "call failed");
  else log.debug(fields, "call");
}

/** One line for each call, when it has ended: for a stream after its last message. */
export function logInterceptor(log: Logger): Interceptor {
  return (next) => async (request) => {
    const startedAt = performance.now();
    const end = (error?: unknown) => logCall(log, request.method, startedAt, error);
    try {
      const response = await next(request);
      if (response.stream) return { ...response, message: observed(response.message, end) };
      end();
      return response;
    } catch (error) {
      end(error);
      throw error;
    }
  };
}

async function* observed<T>(
  messages: AsyncIterable<T>,
  end: (error?: unknown) => void,
): AsyncGenerator<T, void, undefined> {
  let failure: unknown;
  try {
    yield* messages;
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    end(failure);
  }
}
