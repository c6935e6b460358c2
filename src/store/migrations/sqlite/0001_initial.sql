-- Stages: 2 QUEUED, 3 EXECUTING, 4 COMPLETED. Times are milliseconds since the Unix epoch, booleans 0 or 1.
-- docs/store.md tells which query uses which index.

CREATE TABLE platforms (
  id INTEGER PRIMARY KEY,
  instance TEXT NOT NULL,
  properties TEXT NOT NULL, -- JSON: [[name, value], ...], sorted
  UNIQUE (instance, properties)
) STRICT;

CREATE TABLE jobs (
  id TEXT PRIMARY KEY NOT NULL,
  instance TEXT NOT NULL,
  digest_function TEXT NOT NULL,
  action_hash TEXT NOT NULL,
  action_size INTEGER NOT NULL,
  command TEXT NOT NULL,
  platform_id INTEGER NOT NULL REFERENCES platforms (id),
  priority INTEGER NOT NULL,
  cacheable INTEGER NOT NULL,
  timeout_ms INTEGER NOT NULL,
  stage INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  queued_at INTEGER NOT NULL,
  assigned_at INTEGER,
  started_at INTEGER,
  completed_at INTEGER,
  session TEXT,
  worker TEXT,
  status_code INTEGER,
  exit_code INTEGER,
  cached INTEGER,
  action_digest TEXT GENERATED ALWAYS AS (
    CASE digest_function WHEN 'sha256' THEN '' ELSE digest_function || '/' END || action_hash || '/' || action_size
  ) VIRTUAL,
  CHECK (stage IN (2, 3, 4)),
  CHECK ((stage = 3) = (session IS NOT NULL)),
  CHECK ((stage = 4) = (completed_at IS NOT NULL)),
  CHECK ((stage = 4) = (status_code IS NOT NULL))
) STRICT;

CREATE UNIQUE INDEX jobs_live_action ON jobs (instance, action_hash, action_size, digest_function)
  WHERE stage < 4 AND cacheable = 1;
CREATE INDEX jobs_queue ON jobs (platform_id, priority, queued_at, id) WHERE stage = 2;
CREATE INDEX jobs_live ON jobs (instance, queued_at, id) WHERE stage < 4;
CREATE INDEX jobs_session ON jobs (session) WHERE session IS NOT NULL;
CREATE INDEX jobs_deadline ON jobs (assigned_at + timeout_ms) WHERE stage = 3;

-- The blobs of a job, apart from its row, so that walking over jobs never touches them.
CREATE TABLE job_payloads (
  job_id TEXT PRIMARY KEY NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  partial_metadata BLOB,
  response BLOB
) STRICT;

-- stage, queued_at and completed_at are the operation's own copies, so that a page is found without its jobs.
CREATE TABLE operations (
  instance TEXT NOT NULL,
  id TEXT NOT NULL,
  job_id TEXT NOT NULL REFERENCES jobs (id),
  stage INTEGER NOT NULL,
  cancelled INTEGER NOT NULL,
  polled INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  queued_at INTEGER NOT NULL,
  completed_at INTEGER,
  tool_name TEXT,
  tool_version TEXT,
  action_id TEXT,
  invocation_id TEXT,
  correlated_invocations_id TEXT,
  action_mnemonic TEXT,
  target_id TEXT,
  configuration_id TEXT,
  client_actor TEXT,
  client_subject TEXT,
  client_workflow TEXT,
  PRIMARY KEY (instance, id),
  CHECK (stage IN (2, 3, 4)),
  CHECK ((stage = 4) = (completed_at IS NOT NULL)),
  CHECK (cancelled = 0 OR stage = 4)
) STRICT;

CREATE INDEX operations_queued ON operations (instance, queued_at, id);
CREATE INDEX operations_stage ON operations (instance, stage, queued_at, id);
CREATE INDEX operations_completed ON operations (instance, completed_at, queued_at, id);
CREATE INDEX operations_job ON operations (job_id, completed_at);

CREATE TABLE sessions (
  name TEXT PRIMARY KEY NOT NULL,
  bot_id TEXT NOT NULL,
  parent TEXT NOT NULL,
  status INTEGER NOT NULL,
  capacity INTEGER NOT NULL,
  properties TEXT NOT NULL, -- as in platforms
  version INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX sessions_bot ON sessions (bot_id);

CREATE TABLE action_results (
  id INTEGER PRIMARY KEY,
  instance TEXT NOT NULL,
  action_hash TEXT NOT NULL,
  action_size INTEGER NOT NULL,
  digest_function TEXT NOT NULL,
  used_at INTEGER NOT NULL,
  result BLOB NOT NULL,
  UNIQUE (instance, action_hash, action_size, digest_function)
) STRICT;

CREATE INDEX action_results_used ON action_results (instance, used_at);
