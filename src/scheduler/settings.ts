/** How one instance wants its work handled. Times are milliseconds; 0 switches a limit off where noted. */
export interface SchedulerSettings {
  /** How often a job is handed out before it ends as ABORTED. */
  readonly maxAttempts: number;
  /** How long a job may wait for a bot before it ends as UNAVAILABLE; 0 = for ever. */
  readonly queueTimeoutMs: number;
  /** How long a live operation may be without a listening stream before it is cancelled; 0 = for ever. */
  readonly orphanGraceMs: number;
  /** The same for an operation that is followed by polling, from the last poll on; 0 = for ever. */
  readonly polledOrphanGraceMs: number;
  /** How long a completed operation is remembered; 0 = for ever. */
  readonly retentionMs: number;
  /** How long a bot session lives after its last update. */
  readonly sessionTimeoutMs: number;
  /** The longest that an update of an idle bot is held open. */
  readonly longPollMs: number;
}
