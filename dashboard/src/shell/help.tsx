import { Dialog } from "../ui/dialog.tsx";
import "./help.css";

const KEYS = [
  ["j, k", "next, previous row"],
  ["Enter", "open the row"],
  ["/", "write a filter; Tab takes what is offered, Esc leaves"],
  ["p", "pause or resume live updates"],
  ["x", "cancel the operation that is open"],
  ["Esc", "close, or go back to the list"],
  ["o, b, w, v", "operations, builds, workers, overview"],
  ["?", "this help"],
] as const;

/** What the keys do, and where to read on. */
export function Help({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl className="keys">
        {KEYS.map(([keys, meaning]) => (
          <div key={keys}>
            <dt>
              {keys.split(", ").map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <p>
        A click on a stage, worker, target, tool and the like narrows the list to it; with <kbd>Alt</kbd> or{" "}
        <kbd>Shift</kbd> to everything else.
      </p>
      <div className="dialog-actions">
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
