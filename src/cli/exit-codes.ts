/** What a command ends with; documented in docs/cli.md. Beside these, 128 + n means stopped by signal n. */
export const ExitCode = {
  OK: 0,
  /** The command could not do its work: the call failed, the port is taken ... */
  FAILED: 1,
  /** Flags, arguments or configuration are wrong; nothing was done. */
  USAGE: 2,
  /** The operation is done, and its command's exit code was not 0. */
  COMMAND_FAILED: 3,
  /** The operation ended without a result. */
  OPERATION_FAILED: 4,
  /** The operation was cancelled. */
  OPERATION_CANCELLED: 5,
  /** The time to wait is over, and the operation is not. */
  STILL_RUNNING: 6,
} as const;

/** One of `ExitCode`. */
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
