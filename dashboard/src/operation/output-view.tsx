import { Code } from "@connectrpc/connect";
import type {
  ActionResult,
  Digest,
  LogFile,
} from "../../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { codeName } from "../api/failure.ts";
import { FilePanel } from "../cas/blob-panel.tsx";
import { DownloadButton } from "../cas/download-button.tsx";
import type { BlobHome } from "../cas/resource-names.ts";
import { TextView } from "../cas/text-view.tsx";
import { useWritten } from "../cas/use-blob.ts";
import { bytesText } from "../format/bytes.ts";
import { visibleText } from "../format/visible.ts";
import type { Facts } from "./facts.ts";

interface StreamProps {
  readonly title: string;
  readonly raw: Uint8Array;
  readonly digest: Digest | undefined;
  readonly home: BlobHome;
}

function Stream({ title, raw, digest, home }: StreamProps) {
  const source = useWritten(home, { raw, digest });
  return (
    <section className="stream" aria-label={title}>
      <header>
        <h2>{title}</h2>
        <span className="dim">{source.size === 0 ? "empty" : bytesText(source.size)}</span>
        <span className="grow" />
        {source.size > 0 && <DownloadButton source={source} path={`${title}.txt`} />}
      </header>
      {source.size > 0 && <TextView source={source} what={title} />}
    </section>
  );
}

function Streams({ result, home }: { readonly result: ActionResult; readonly home: BlobHome }) {
  const stdout = <Stream key="out" title="stdout" raw={result.stdoutRaw} digest={result.stdoutDigest} home={home} />;
  const stderr = <Stream key="err" title="stderr" raw={result.stderrRaw} digest={result.stderrDigest} home={home} />;
  const complains = result.stderrRaw.byteLength > 0 || (result.stderrDigest?.sizeBytes ?? 0n) > 0n;
  return result.exitCode === 0 || !complains ? [stdout, stderr] : [stderr, stdout];
}

/** What a command wrote, once it has ended. */
export function OutputView({ facts, home }: { readonly facts: Facts; readonly home: BlobHome }) {
  const { done, result, response, error } = facts;
  const logs = Object.entries(response?.serverLogs ?? {});
  return (
    <>
      {!done && (
        <p className="hint">
          What the command writes is shown here as soon as it has ended: workers send it with the result.
        </p>
      )}
      {result && <Streams result={result} home={home} />}
      {done && !result && <p className="hint">{withoutResult(error?.code)}</p>}
      {logs.map(([name, log]) => (
        <ServerLog key={name} name={name} log={log} home={home} />
      ))}
    </>
  );
}

function withoutResult(code: number | undefined): string {
  if (code === Code.Canceled) return "There is no output: the operation was cancelled before its command ended.";
  return `There is no output: the command did not run to its end${code === undefined ? "" : ` (${codeName(code)})`}.`;
}

function ServerLog({ name, log, home }: { readonly name: string; readonly log: LogFile; readonly home: BlobHome }) {
  if (!log.digest) return null;
  const path = `server log ${visibleText(name)}`;
  const file = { kind: "file", name: path, path, notes: [], digest: log.digest } as const;
  return <FilePanel file={{ ...file, executable: false, contents: undefined }} home={home} />;
}
