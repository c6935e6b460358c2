import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { createFollow, type Follow, type FollowDeps } from "../../dashboard/src/operation/follow.ts";
import { type Operation, OperationSchema } from "../../gen/google/longrunning/operations_pb.ts";
import { type WatchOperationsResponse, WatchOperationsResponseSchema } from "../../gen/opgrid/v1/opgrid_pb.ts";
import { until } from "../helpers/until.ts";

const NAME = "release/linux/0198c0de";
const NOBODY = { metadata: undefined, identity: undefined };
const operation = (done: boolean) => create(OperationSchema, { name: NAME, done });
type News = Parameters<typeof create<typeof WatchOperationsResponseSchema>>[1];

/** A server whose answers a test makes up, and that remembers what it was asked. */
function server(t: TestContext) {
  const watches: { filter: string; instanceName: string; resumeToken: string; push(news: News | Error): void }[] = [];
  const gets: string[] = [];
  const answers: { watch: "stream" | Error; get: Operation | Error } = { watch: "stream", get: operation(true) };
  let visibility: () => void = () => undefined;
  let isHidden = false;
  const deps: FollowDeps = {
    watch: (request, { signal }) => {
      const queue: (WatchOperationsResponse | Error)[] = [];
      let wake: () => void = () => undefined;
      signal.addEventListener("abort", () => wake());
      const push = (news: News | Error) => {
        queue.push(news instanceof Error ? news : create(WatchOperationsResponseSchema, news));
        wake();
      };
      watches.push({ ...request, push });
      return (async function* () {
        if (answers.watch instanceof Error) throw answers.watch;
        while (!signal.aborted) {
          const next = queue.shift();
          if (next instanceof Error) throw next;
          if (next) yield next;
          else await new Promise<void>((resolve) => (wake = resolve));
        }
      })();
    },
    get: async (name) => {
      gets.push(name);
      if (answers.get instanceof Error) throw answers.get;
      return { operation: answers.get, who: NOBODY };
    },
    page: {
      isHidden: () => isHidden,
      subscribe: (listener) => {
        visibility = listener;
        return () => undefined;
      },
    },
  };
  const show = (shown: boolean) => {
    isHidden = !shown;
    visibility();
  };
  const start = (): Follow => {
    const follow = createFollow(deps, NAME);
    t.after(() => follow.close());
    return follow;
  };
  return { watches, gets, answers, start, show };
}

const sent = (value: Operation): News => ({
  live: true,
  resumeToken: "t",
  changes: [{ change: { case: "operation", value } }],
});

test("an operation is watched by its id, and not asked for while it lives: that would be a poll", async (t) => {
  const { watches, gets, start } = server(t);
  const follow = start();
  watches[0]?.push(sent(operation(false)));
  await until(() => follow.state().phase === "live");
  assert.deepEqual([watches[0]?.instanceName, watches[0]?.filter], ["release/linux", "name = 0198c0de"]);
  assert.deepEqual(gets, []);
});

test("once it has ended the watch is given back, and who asked for it is known", async (t) => {
  const { watches, gets, start } = server(t);
  const follow = start();
  watches[0]?.push(sent(operation(true)));
  await until(() => follow.state().phase === "ended");
  assert.deepEqual([watches.length, gets, follow.state().who], [1, [NAME], NOBODY]);
});

test("what is not there is gone, and so is what is deleted; others that are deleted do not matter", async (t) => {
  const { watches, start } = server(t);
  const absent = start();
  watches[0]?.push({ live: true });
  await until(() => absent.state().phase === "gone");
  assert.equal(ConnectError.from(absent.state().error).code, Code.NotFound);

  const follow = start();
  watches[1]?.push(sent(operation(false)));
  watches[1]?.push({ live: true, changes: [{ change: { case: "deleted", value: "release/linux/another" } }] });
  await until(() => follow.state().phase === "live");
  watches[1]?.push({ live: true, changes: [{ change: { case: "deleted", value: NAME } }] });
  await until(() => follow.state().phase === "gone");
  assert.equal(follow.state().operation?.name, NAME);
});

test("a lost connection is made again where it was", async (t) => {
  const { watches, start } = server(t);
  const follow = start();
  watches[0]?.push(sent(operation(false)));
  await until(() => follow.state().phase === "live");
  watches[0]?.push(new ConnectError("down", Code.Unavailable));
  await until(() => follow.state().phase === "disconnected");
  assert.ok((follow.state().retryAt ?? 0) > 0);
  follow.retry();
  await until(() => watches.length === 2);
  assert.equal(watches[1]?.resumeToken, "t");
  watches[1]?.push({ live: true, resumeToken: "t" });
  await until(() => follow.state().phase === "live");
});

test("what was deleted while the connection was lost is gone when the server begins anew", async (t) => {
  const { watches, start } = server(t);
  const follow = start();
  watches[0]?.push(sent(operation(false)));
  await until(() => follow.state().phase === "live");
  follow.retry();
  watches[1]?.push({ reset: true, live: true, resumeToken: "u" });
  await until(() => follow.state().phase === "gone");
  follow.retry();
  assert.equal(watches[2]?.resumeToken, "", "all is told again");
  watches[2]?.push({ reset: true, ...(sent(operation(false)) as object) });
  await until(() => follow.state().phase === "live");
});

test("a watch that says nothing for long is made again", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { watches, start } = server(t);
  start();
  t.mock.timers.tick(90_000);
  assert.equal(watches.length, 2);
});

test("where there is no FarmService it is asked for again and again", async (t) => {
  const { answers, gets, start } = server(t);
  answers.watch = new ConnectError("not enabled", Code.Unimplemented);
  answers.get = operation(false);
  const follow = start();
  await until(() => gets.length === 2);
  assert.equal(follow.state().phase, "live");
});

test("a refusal is no reason to ask again", async (t) => {
  const { answers, watches, start } = server(t);
  answers.watch = new ConnectError("unknown instance", Code.InvalidArgument);
  const follow = start();
  await until(() => follow.state().phase === "refused");
  assert.equal(watches.length, 1);
});

test("a page that is seen again connects again", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { watches, start, show } = server(t);
  start();
  show(false);
  t.mock.timers.tick(5000);
  show(true);
  assert.equal(watches.length, 2);
});

test("a page that was never seen gives its connection back", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { watches, start, show } = server(t);
  show(false);
  start();
  t.mock.timers.tick(5000);
  show(true);
  assert.equal(watches.length, 2);
});
