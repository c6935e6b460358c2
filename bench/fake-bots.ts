import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ActionResultSchema } from "../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import {
  type BotSession,
  BotSessionSchema,
  BotStatus,
  Bots,
  CreateBotSessionRequestSchema,
  LeaseState,
  UpdateBotSessionRequestSchema,
} from "../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";
import { frame } from "./frames.ts";
import type { GrpcClient } from "./grpc-client.ts";
import { pathOf, readOne } from "./methods.ts";

/** Bots that answer every lease at once with a success that they have at hand. */
export interface FakeBots extends AsyncDisposable {
  /** The first call that reported a result. */
  readonly report: Promise<Exchange>;
}

/** A call as it went over the wire, the request with its prefix. */
export interface Exchange {
  readonly request: Buffer;
  readonly replies: readonly Buffer[];
}

const createPath = pathOf(Bots.method.createBotSession);
const updatePath = pathOf(Bots.method.updateBotSession);

/** Starts bots with room for one lease each, `name` before their numbers; `giveUp` is told when one of them cannot go on. */
export function startFakeBots(
  client: GrpcClient,
  options: { parent: string; count: number; name?: string; giveUp: (error: unknown) => void },
): FakeBots {
  const { parent, count, name = "bench-bot", giveUp } = options;
  let stopped = false;
  const report = Promise.withResolvers<Exchange>();
  const result = packedResult();

  async function work(botId: string): Promise<void> {
    let session = await open(client, parent, botId);
    while (!stopped) {
      const request = update(session, result);
      const replies = await client.messages(updatePath, request);
      if (session.leases.length > 0) report.resolve({ request, replies });
      session = readOne(BotSessionSchema, replies);
    }
  }

  const done = Array.from({ length: count }, (_, index) =>
    work(`${name}-${index}`).catch((error: unknown) => {
      if (!stopped) giveUp(error);
    }),
  );
  return {
    report: report.promise,
    [Symbol.asyncDispose]: async () => {
      stopped = true;
      // Ends the calls that wait for work.
      await client[Symbol.asyncDispose]();
      await Promise.all(done);
    },
  };
}

async function open(client: GrpcClient, parent: string, botId: string): Promise<BotSession> {
  const botSession = {
    botId,
    status: BotStatus.OK,
    worker: {
      devices: [{ handle: botId, properties: [{ key: "OSFamily", value: "linux" }] }],
      configs: [{ key: "capacity", value: "1" }],
    },
  };
  const request = create(CreateBotSessionRequestSchema, { parent, botSession });
  const replies = await client.messages(createPath, frame(toBinary(CreateBotSessionRequestSchema, request)));
  return readOne(BotSessionSchema, replies);
}

/** What a bot says after the server has said this: all that it was given is done. */
function update(session: BotSession, result: BotSession["leases"][number]["result"]): Buffer {
  const leases = session.leases.map(({ id }) => ({ id, state: LeaseState.COMPLETED, status: { code: 0 }, result }));
  const { name, botId, status, worker } = session;
  const botSession = { name, botId, status, worker, leases };
  const request = create(UpdateBotSessionRequestSchema, { name, botSession });
  return frame(toBinary(UpdateBotSessionRequestSchema, request));
}

function packedResult() {
  const at = timestampFromMs(Date.now());
  const result = create(ActionResultSchema, {
    executionMetadata: {
      worker: "bench-bot",
      ...{ queuedTimestamp: at, workerStartTimestamp: at, workerCompletedTimestamp: at },
      ...{ inputFetchStartTimestamp: at, inputFetchCompletedTimestamp: at },
      ...{ executionStartTimestamp: at, executionCompletedTimestamp: at },
      ...{ outputUploadStartTimestamp: at, outputUploadCompletedTimestamp: at },
    },
  });
  return anyPack(ActionResultSchema, result);
}
