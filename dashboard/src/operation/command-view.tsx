import type { UseQueryResult } from "@tanstack/react-query";
import {
  type Action,
  type Command,
  Command_OutputDirectoryFormatSchema,
  type Platform,
} from "../../../gen/build/bazel/remote/execution/v2/remote_execution_pb.ts";
import { DigestText } from "../cas/blob-panel.tsx";
import { BlobProblem } from "../cas/blob-problem.tsx";
import { hexText } from "../cas/content-kind.ts";
import type { BlobDigest } from "../cas/resource-names.ts";
import { plural } from "../format/number.ts";
import { durationOf, durationText } from "../format/time.ts";
import { visibleText } from "../format/visible.ts";
import { CodeLine } from "../ui/code-line.tsx";
import { CopyButton } from "../ui/copy-button.tsx";
import { Fact } from "../ui/fact.tsx";
import { argumentsText, outputPathsOf, scriptText } from "./command-text.ts";

interface CommandProps {
  readonly digest: BlobDigest | undefined;
  readonly action: UseQueryResult<Action>;
  readonly command: UseQueryResult<Command>;
}

/** What was asked for: the command, its environment, and what it requires. */
export function CommandView({ digest, action, command }: CommandProps) {
  return (
    <>
      {command.data ? <CommandFacts command={command.data} /> : <Pending result={action.data ? command : action} />}
      <h2>Action</h2>
      <dl className="facts">
        {digest && (
          <Fact title="Action digest">
            <DigestText digest={digest} />
          </Fact>
        )}
        {action.data && <ActionFacts action={action.data} />}
      </dl>
      {action.data && <PlatformTable platform={action.data.platform ?? command.data?.platform} />}
    </>
  );
}

function Pending({ result }: { readonly result: UseQueryResult<unknown> }) {
  if (result.error) return <BlobProblem error={result.error} onRetry={() => void result.refetch()} />;
  return (
    <p className="dim">
      {result.isPending && result.fetchStatus === "idle" ? "The command is not known." : "Loading …"}
    </p>
  );
}

const MOST_SHOWN = 2000;

function CommandFacts({ command }: { readonly command: Command }) {
  const paths = outputPathsOf(command);
  const variables = command.environmentVariables;
  const format = Command_OutputDirectoryFormatSchema.value[command.outputDirectoryFormat]?.name ?? "";
  return (
    <>
      <h2>Arguments</h2>
      <CodeLine text={argumentsText(command)} what="the command" />
      <details className="words">
        <summary>{plural(command.arguments.length, "argument")}, one per line</summary>
        <ol>
          {command.arguments.slice(0, MOST_SHOWN).map((word, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: words repeat and never move
            <li key={index}>
              <code>{visibleText(word)}</code>
            </li>
          ))}
        </ol>
      </details>
      <p className="copy-script">
        <CopyButton text={() => scriptText(command)} what="the command with its environment" /> with environment and
        working directory, to run it in the input root
      </p>
      <h2>Environment</h2>
      {variables.length === 0 ? (
        <p className="dim">No variables: the command sees nothing of the worker's.</p>
      ) : (
        <dl className="facts mono">
          {variables.slice(0, MOST_SHOWN).map(({ name, value }) => (
            <Fact key={name} title={visibleText(name)}>
              {visibleText(value)}
            </Fact>
          ))}
        </dl>
      )}
      <h2>Where and what</h2>
      <dl className="facts">
        <Fact title="Working directory">
          {command.workingDirectory === "" ? "the input root" : <code>{visibleText(command.workingDirectory)}</code>}
        </Fact>
        <Fact title="Output paths">
          {paths.length === 0 ? (
            "none"
          ) : (
            <ul className="plain">
              {paths.slice(0, MOST_SHOWN).map((path) => (
                <li key={path}>
                  <code>{visibleText(path)}</code>
                </li>
              ))}
            </ul>
          )}
        </Fact>
        {command.outputDirectoryFormat !== 0 && <Fact title="Output directories">{format}</Fact>}
        {command.outputNodeProperties.length > 0 && (
          <Fact title="Node properties">{visibleText(command.outputNodeProperties.join(", "))}</Fact>
        )}
      </dl>
    </>
  );
}

function ActionFacts({ action }: { readonly action: Action }) {
  const timeout = durationOf(action.timeout);
  return (
    <>
      {action.commandDigest && (
        <Fact title="Command digest">
          <DigestText digest={action.commandDigest} />
        </Fact>
      )}
      {action.inputRootDigest && (
        <Fact title="Input root">
          <DigestText digest={action.inputRootDigest} />
        </Fact>
      )}
      <Fact title="Timeout">{timeout === undefined ? "the server's" : durationText(timeout)}</Fact>
      <Fact title="Cacheable">{action.doNotCache ? "no: the action says do_not_cache" : "yes"}</Fact>
      {action.salt.byteLength > 0 && (
        <Fact title="Salt">
          <code>{hexText(action.salt.subarray(0, 64))}</code>
        </Fact>
      )}
    </>
  );
}

function PlatformTable({ platform }: { readonly platform: Platform | undefined }) {
  const properties = platform?.properties ?? [];
  return (
    <>
      <h2>Platform</h2>
      {properties.length === 0 ? (
        <p className="dim">Any worker will do.</p>
      ) : (
        <dl className="facts mono">
          {properties.slice(0, MOST_SHOWN).map(({ name, value }, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a property may be there twice
            <Fact key={index} title={visibleText(name)}>
              {visibleText(value)}
            </Fact>
          ))}
        </dl>
      )}
    </>
  );
}
