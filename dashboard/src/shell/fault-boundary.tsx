import { Component, type ReactNode } from "react";

interface FaultBoundaryProps {
  /** Another value shows the children again. */
  readonly where: string;
  readonly children: ReactNode;
}

interface FaultState {
  readonly fault: unknown;
  readonly where: string;
}

/** Keeps a fault in one page from taking all of them away, and says what to do. */
export class FaultBoundary extends Component<FaultBoundaryProps, FaultState> {
  override state: FaultState = { fault: undefined, where: this.props.where };

  static getDerivedStateFromError(fault: unknown): Partial<FaultState> {
    return { fault: fault ?? "unknown" };
  }

  static getDerivedStateFromProps({ where }: FaultBoundaryProps, state: FaultState): FaultState | null {
    return where === state.where ? null : { fault: undefined, where };
  }

  override render(): ReactNode {
    if (this.state.fault === undefined) return this.props.children;
    return (
      <div className="panel error" role="alert">
        <p className="panel-title">This page has a fault</p>
        <pre className="message">{String(this.state.fault)}</pre>
        <p>The server and its work are not touched. Reloading the page helps when the server was upgraded meanwhile.</p>
        <button type="button" onClick={() => location.reload()}>
          Reload
        </button>
      </div>
    );
  }
}
