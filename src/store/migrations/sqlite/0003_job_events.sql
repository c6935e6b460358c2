-- What happened to each job, in order. The birth of a job is told by its own row. Kinds as in src/store/job-event.ts.

CREATE TABLE job_events (
  job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  at INTEGER NOT NULL,
  facts TEXT NOT NULL, -- JSON object
  PRIMARY KEY (job_id, seq)
) STRICT, WITHOUT ROWID;
