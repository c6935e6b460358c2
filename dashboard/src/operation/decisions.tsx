import { type ReactNode, useId, useState } from "react";
import { farm, operations } from "../api/clients.ts";
import { failureOf } from "../api/failure.ts";
import { plural } from "../format/number.ts";
import { Dialog } from "../ui/dialog.tsx";

/** What can be done to an operation. */
export type Decision = "cancel" | "kill" | "delete";

interface DecisionProps {
  readonly decision: Decision;
  readonly name: string;
  /** How many others wait for the same job; undefined when nobody told. */
  readonly others: number | undefined;
  readonly onClose: () => void;
  readonly onDone: (decision: Decision) => void;
}

const TITLES: Record<Decision, string> = {
  cancel: "Cancel this operation?",
  kill: "Kill the job?",
  delete: "Delete this operation?",
};
const VERBS: Record<Decision, string> = { cancel: "Cancel operation", kill: "Kill job", delete: "Delete operation" };

function consequences(decision: Decision, others: number | undefined): ReactNode {
  if (decision === "delete") {
    return (
      <p>The server forgets the operation and its result. Nothing is cancelled; what is in the CAS stays there.</p>
    );
  }
  if (others === undefined) {
    return <p>How many others wait for the same job is not known: this instance does not tell.</p>;
  }
  if (decision === "kill") {
    return others === 0 ? (
      <p>Nobody else waits for this job. Its command is ended, and this operation with it.</p>
    ) : (
      <p>
        <strong>{plural(others, "other operation")}</strong> {others === 1 ? "waits" : "wait"} for the same job. The
        command is ended, and all {others + 1} operations are cancelled, also those of other people.
      </p>
    );
  }
  return others === 0 ? (
    <p>Nobody else waits for the same job, so the job ends too: its command is stopped.</p>
  ) : (
    <p>
      <strong>{plural(others, "other operation")}</strong> {others === 1 ? "waits" : "wait"} for the same job. Only this
      operation ends; the job goes on for the others.
    </p>
  );
}

/** What was done; false when there was nothing to do any more. */
async function carryOut(decision: Decision, name: string, reason: string): Promise<boolean> {
  if (decision === "kill") return (await farm.killJob({ name, reason })).killed;
  if (decision === "cancel") await operations.cancelOperation({ name });
  else await operations.deleteOperation({ name });
  return true;
}

/** Asks whether to do it, and does it. */
export function DecisionDialog({ decision, name, others, onClose, onDone }: DecisionProps) {
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const field = useId();
  const act = async () => {
    setBusy(true);
    setProblem("");
    try {
      if (await carryOut(decision, name, reason)) return onDone(decision);
      setProblem("The job had already ended.");
    } catch (error) {
      const { code, message } = failureOf(error);
      setProblem(`${code}: ${message}`);
    }
    setBusy(false);
  };
  return (
    <Dialog title={TITLES[decision]} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void act();
        }}
      >
        <p className="decision-name">
          <code>{name}</code>
        </p>
        {consequences(decision, others)}
        {decision === "kill" && (
          <p className="decision-reason">
            <label htmlFor={field}>Reason, for the history</label>
            <input
              id={field}
              value={reason}
              onChange={({ target }) => setReason(target.value)}
              maxLength={1024}
              autoComplete="off"
            />
          </p>
        )}
        {problem !== "" && (
          <p className="decision-problem" role="alert">
            {problem}
          </p>
        )}
        <div className="dialog-actions">
          <button type="button" onClick={onClose}>
            Keep it
          </button>
          <button type="submit" className="danger" disabled={busy}>
            {VERBS[decision]}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
