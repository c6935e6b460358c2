import type { Clients, Submitted, WantedAction } from "../helpers/e2e-actions.ts";
import { submitAction } from "../helpers/e2e-actions.ts";

/** The operations of a farm at work, by what becomes of them. Dispose to let the server end at once. */
export interface Scene extends AsyncDisposable {
  readonly succeeded: string;
  readonly failed: string;
  readonly timedOut: string;
  readonly cached: string;
  /** Runs for as long as the test; another operation waits for the same job. */
  readonly running: string;
  /** Wants a platform that no bot has. */
  readonly queued: string;
  readonly invocation: string;
  readonly correlated: string;
}

/** A command of the shell. */
export const script = (text: string): readonly string[] => ["sh", "-c", text];

const compile = `
printf '\\033[32mINFO\\033[0m compiling \\033[1msrc/frame.cc\\033[0m\\n'
printf 'src/frame.cc:12:7: \\033[1;35mwarning:\\033[0m unused variable \\033[1m\\047width\\047\\033[0m\\n' >&2
mkdir -p out/include && cp frame.h out/include/frame.h && printf 'object code' > out/frame.o && cp logo.png out/logo.png`;

const link = `
i=1; while [ $i -le 30 ]; do echo "linking part $i of 30"; i=$((i+1)); done
printf '\\033[1;31merror:\\033[0m undefined reference to \\033[1mdraw_frame()\\033[0m\\n' >&2
printf 'collect2: ld returned 1 exit status\\n' >&2
exit 1`;

/** The smallest picture. */
const logo = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPj/HwADBwIAMCbHYQAAAABJRU5ErkJggg==",
  "base64",
);

/** Lets a server with two bots work, so that every page has something to show. */
export async function playScene(clients: Clients): Promise<Scene> {
  const correlated = "4cf2d1a0-nightly";
  const invocation = "0f6c6e4c-58f1-4f6e-9d0b-5b3b7a6f2f11";
  const act = (targetId: string, actionMnemonic: string, wanted: WantedAction) =>
    submitAction(clients, {
      ...wanted,
      metadata: {
        toolDetails: { toolName: "bazel", toolVersion: "8.4.1" },
        ...{ toolInvocationId: invocation, correlatedInvocationsId: correlated, targetId, actionMnemonic },
        ...wanted.metadata,
      },
    });
  const other = { toolInvocationId: "7b1f0d4e-36a7-45ee-a1de-1d2c55d2f0aa" };

  const succeeded = await act("//src:frame", "CppCompile", {
    argv: script(compile),
    inputs: { "frame.h": "#pragma once\nvoid draw_frame();\n", "frame.cc": '#include "frame.h"\n', "logo.png": logo },
    outputPaths: ["out/frame.o", "out/include", "out/logo.png"],
  });
  const failed = await act("//src:viewer", "CppLink", { argv: script(link) });
  const timedOut = await act("//test:endless", "TestRunner", { argv: script("sleep 20"), timeoutSeconds: 1 });
  await finished(succeeded, failed, timedOut);
  const parts = Array.from({ length: 12 }, (_, part) =>
    act(`//src/parts:part-${part}`, "CppCompile", { argv: script(`sleep 0.${part % 4}; echo part ${part}`) }),
  );
  await finished(...(await Promise.all(parts)));
  const first = await act("//docs:manual", "Genrule", { argv: script("echo manual"), salt: "once", metadata: other });
  await finished(first);
  const cached = await act("//docs:manual", "Genrule", { argv: script("echo manual"), salt: "once", metadata: other });
  await finished(cached);

  const long: WantedAction = { argv: script("sleep 600"), salt: "shared" };
  const running = await act("//test:soak", "TestRunner", long);
  const waiting = await act("//test:soak", "TestRunner", { ...long, metadata: other });
  const large = [
    { name: "OSFamily", value: "linux" },
    { name: "pool", value: "gpu" },
  ];
  const queued = await act("//render:scene", "Render", { argv: script("echo light"), platform: large });
  return {
    ...{ succeeded: succeeded.name, failed: failed.name, timedOut: timedOut.name, cached: cached.name },
    ...{ running: running.name, queued: queued.name, invocation, correlated },
    [Symbol.asyncDispose]: async () => {
      for (const { name } of [running, waiting]) await clients.operations.cancelOperation({ name });
    },
  };
}

const finished = (...submitted: readonly Submitted[]) => Promise.all(submitted.map(({ done }) => done));
