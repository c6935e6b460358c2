import type { DatabaseSync } from "node:sqlite";
import { type JobEventFacts, JobEventKind, keptCause, MOST_WITH_PROGRESS } from "../job-event.ts";
import { prepare } from "./connection.ts";

/** Writes the history of jobs, each entry in the transaction of what it tells. */
export interface EventStatements {
  append(jobId: string, kind: JobEventKind, at: number, facts: JobEventFacts): void;
  /** When the job was queued again, the last time; undefined when it never was. */
  lastRetry(jobId: string): number | undefined;
}

const LAST_SEQ = "SELECT coalesce(max(seq), 0) FROM job_events WHERE job_id = ?";

const APPEND = `
  INSERT INTO job_events (job_id, seq, kind, at, facts)
  VALUES (?1, (SELECT coalesce(max(seq), 0) + 1 FROM job_events WHERE job_id = ?1), ?2, ?3, ?4)`;

const LAST_RETRY = `SELECT at FROM job_events WHERE job_id = ? AND kind = ${JobEventKind.RETRY} ORDER BY seq DESC LIMIT 1`;

/** Prepares the statements. */
export function createEventStatements(db: DatabaseSync): EventStatements {
  const append = prepare(db, APPEND);
  const lastSeq = prepare<[number]>(db, LAST_SEQ);
  const lastRetry = prepare<[at: number]>(db, LAST_RETRY);
  return {
    append: (jobId, kind, at, facts) => {
      if (kind === JobEventKind.PROGRESS_UPDATE && Number(lastSeq.get(jobId)?.[0]) >= MOST_WITH_PROGRESS) return;
      const kept = facts.cause ? { ...facts, cause: keptCause(facts.cause) } : facts;
      append.run(jobId, kind, at, JSON.stringify(kept));
    },
    lastRetry: (jobId) => lastRetry.get(jobId)?.[0],
  };
}
