import { useEffect, useState } from "react";
import { farm } from "../api/clients.ts";
import { plural } from "../format/number.ts";
import { Dialog } from "../ui/dialog.tsx";
import { ErrorPanel } from "../ui/panels.tsx";

interface CancelBuildProps {
  readonly filter: string;
  /** The instances that have operations of it: each is asked apart. */
  readonly instances: readonly string[];
  readonly onClose: () => void;
}

type Step =
  | { readonly at: "counting" }
  | { readonly at: "counted"; readonly count: number }
  | { readonly at: "cancelling"; readonly count: number }
  | { readonly at: "done"; readonly count: number }
  | { readonly at: "failed"; readonly error: unknown };

const REASON = "cancelled in the dashboard, with its build";

async function countAll(filter: string, instances: readonly string[], signal: AbortSignal): Promise<number> {
  let count = 0n;
  for (const instanceName of instances) {
    count += (await farm.cancelOperations({ instanceName, filter, dryRun: true }, { signal })).matchedCount;
  }
  return Number(count);
}

async function cancelAll(filter: string, instances: readonly string[]): Promise<number> {
  let count = 0n;
  for (const instanceName of instances) {
    count += (await farm.cancelOperations({ instanceName, filter, reason: REASON })).cancelledCount;
  }
  return Number(count);
}

/** Asks before it cancels what lives of a build, with how many that are. */
export function CancelBuild({ filter, instances, onClose }: CancelBuildProps) {
  const [step, setStep] = useState<Step>({ at: "counting" });
  const fail = (error: unknown) => setStep({ at: "failed", error });
  // biome-ignore lint/correctness/useExhaustiveDependencies: counted once, when the dialog opens
  useEffect(() => {
    const counting = new AbortController();
    countAll(filter, instances, counting.signal)
      .then((count) => setStep({ at: "counted", count }))
      .catch((error: unknown) => counting.signal.aborted || fail(error));
    return () => counting.abort();
  }, []);
  const cancel = (count: number) => {
    setStep({ at: "cancelling", count });
    cancelAll(filter, instances)
      .then((cancelled) => setStep({ at: "done", count: cancelled }))
      .catch(fail);
  };
  const canCancel = step.at === "counted" && step.count > 0;
  return (
    <Dialog title="Cancel this build?" onClose={onClose}>
      <div role="status">{step.at !== "failed" && <p>{textOf(step)}</p>}</div>
      {step.at === "failed" && <ErrorPanel error={step.error} />}
      <div className="dialog-actions">
        <button type="button" onClick={onClose}>
          {canCancel || step.at === "counting" ? "Keep it" : "Close"}
        </button>
        {canCancel && (
          <button type="button" className="danger" onClick={() => cancel(step.count)}>
            Cancel {plural(step.count, "operation")}
          </button>
        )}
      </div>
    </Dialog>
  );
}

function textOf(step: Exclude<Step, { at: "failed" }>): string {
  if (step.at === "counting") return "Counting what lives of it …";
  if (step.at === "cancelling") return `Cancelling ${plural(step.count, "operation")} …`;
  if (step.at === "done") return `${plural(step.count, "operation was", "operations were")} cancelled.`;
  if (step.count === 0) return "Nothing of it waits or runs any more.";
  return `${plural(step.count, "operation waits or runs", "operations wait or run")}. Each is cancelled as its client would; an action that another build wants too goes on for that one. The tool may go on and send more.`;
}
