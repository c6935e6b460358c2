import type { DescMessage, Message } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import type { JsonTypes } from "../../services/services.ts";

const JSON_TYPE = /^application\/(grpc(-web(-text)?)?\+|connect\+)?json\b/i;

function answersJson({ requestMethod, url, header }: { requestMethod: string; url: string; header: Headers }): boolean {
  if (requestMethod === "GET") return new URL(url).searchParams.get("encoding") === "json";
  return JSON_TYPE.test(header.get("content-type") ?? "");
}

/** Makes each response that will be encoded as JSON ready for it. */
export function jsonInterceptor({ prepare }: JsonTypes): Interceptor {
  return (next) => async (request) => {
    const response = await next(request);
    if (!answersJson(request)) return response;
    const { output } = response.method;
    if (!response.stream) return { ...response, message: prepare(output, response.message) };
    return { ...response, message: prepareAll(response.message, output, prepare) };
  };
}

async function* prepareAll(messages: AsyncIterable<Message>, output: DescMessage, prepare: JsonTypes["prepare"]) {
  for await (const message of messages) yield prepare(output, message);
}
