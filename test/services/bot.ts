import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import type { CallOptions, Client } from "@connectrpc/connect";
import { ActionResultSchema } from "../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import {
  type BotSession,
  BotStatus,
  type Bots,
  type LeaseSchema,
  LeaseState,
} from "../../gen/google/devtools/remoteworkers/v1test2/bots_pb.ts";

/** What a bot says of one lease. */
export type LeaseWish = MessageInitShape<typeof LeaseSchema>;

/** A bot that does what the test says, through the port. */
export interface Bot {
  /** The last answer of the server. */
  readonly session: BotSession;
  /** Reports on leases and answers those that the server then lists; waits for work when it holds and reports none. */
  update(leases?: LeaseWish[], options?: CallOptions): Promise<BotSession>;
  /** Waits until it has a lease; the first of them. */
  lease(): Promise<BotSession["leases"][number]>;
  /** Reports the end of a lease. */
  complete(id: string, end?: { exitCode?: number } | Pick<LeaseWish, "status" | "result">): Promise<BotSession>;
  /** Says goodbye. */
  leave(): Promise<void>;
}

/** What a bot is like; capacity 1 and no properties unless said otherwise. */
export interface BotWish {
  readonly parent?: string;
  readonly botId?: string;
  readonly capacity?: string;
  readonly properties?: { key: string; value: string }[];
  readonly status?: BotStatus;
}

/** A session as a bot of this kind describes itself. */
export function describeBot(wish: BotWish = {}) {
  const { botId = "bot", capacity = "1", properties = [], status = BotStatus.OK } = wish;
  return {
    botId,
    status,
    worker: { devices: [{ handle: botId, properties }], configs: [{ key: "capacity", value: capacity }] },
  };
}

/** Opens a session. */
export async function openBot(bots: Client<typeof Bots>, wish: BotWish = {}): Promise<Bot> {
  const self = describeBot(wish);
  let session = await bots.createBotSession({ parent: wish.parent ?? "main", botSession: self });

  async function update(leases: LeaseWish[] = [], options: CallOptions = {}) {
    const { name } = session;
    session = await bots.updateBotSession({ name, botSession: { ...self, name, leases } }, options);
    return session;
  }

  return {
    get session() {
      return session;
    },
    update,
    lease: async () => {
      for (;;) {
        const [lease] = session.leases;
        if (lease) return lease;
        await update();
      }
    },
    complete: (id, end = {}) => update([{ id, state: LeaseState.COMPLETED, ...endOf(end) }]),
    leave: async () => {
      const { name } = session;
      await bots.updateBotSession({ name, botSession: { ...self, name, status: BotStatus.BOT_TERMINATING } });
    },
  };
}

function endOf(
  end: { exitCode?: number } | Pick<LeaseWish, "status" | "result">,
): Pick<LeaseWish, "status" | "result"> {
  if ("status" in end || "result" in end) return end;
  const exitCode = "exitCode" in end ? (end.exitCode ?? 0) : 0;
  return { status: { code: 0 }, result: anyPack(ActionResultSchema, create(ActionResultSchema, { exitCode })) };
}
