-- Stages: 2 QUEUED, 3 EXECUTING, 4 COMPLETED. Times are milliseconds since the Unix epoch, flags 0 or 1. Text is in the
-- order of its bytes. docs/store.md tells which query uses which index.

CREATE TABLE platforms (
  id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  instance TEXT COLLATE "C" NOT NULL,
  properties TEXT COLLATE "C" NOT NULL, -- JSON: [[name, value], ...], sorted
  digest TEXT COLLATE "C" NOT NULL, -- SHA-256 of properties, which may be too long for an index
  UNIQUE (instance, digest)
);

-- The same properties for filters, as bytes of UTF-8, as text cannot have NULs.
CREATE TABLE platform_properties (
  platform_id INTEGER NOT NULL REFERENCES platforms (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  name BYTEA NOT NULL,
  value BYTEA NOT NULL,
  PRIMARY KEY (platform_id, position)
);

CREATE TABLE sessions (
  name TEXT COLLATE "C" PRIMARY KEY,
  bot_id TEXT COLLATE "C" NOT NULL,
  parent TEXT COLLATE "C" NOT NULL,
  status INTEGER NOT NULL,
  capacity INTEGER NOT NULL,
  properties TEXT COLLATE "C" NOT NULL, -- as in platforms
  version BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);

CREATE INDEX sessions_bot ON sessions (bot_id, name);

-- `version` counts the transitions of a job, those that its operations take included: a statement that has seen a job and
-- what belongs to it changes them only if the version is still the same. `operations` counts its operations.
CREATE TABLE jobs (
  id TEXT COLLATE "C" PRIMARY KEY,
  instance TEXT COLLATE "C" NOT NULL,
  digest_function TEXT COLLATE "C" NOT NULL,
  action_hash TEXT COLLATE "C" NOT NULL,
  action_size BIGINT NOT NULL,
  command TEXT COLLATE "C" NOT NULL,
  platform_id INTEGER NOT NULL REFERENCES platforms (id),
  priority INTEGER NOT NULL,
  cacheable SMALLINT NOT NULL,
  timeout_ms BIGINT NOT NULL,
  stage SMALLINT NOT NULL,
  attempts INTEGER NOT NULL,
  queued_at BIGINT NOT NULL,
  assigned_at BIGINT,
  started_at BIGINT,
  completed_at BIGINT,
  session TEXT COLLATE "C" REFERENCES sessions (name),
  worker TEXT COLLATE "C",
  status_code INTEGER,
  exit_code INTEGER,
  cached SMALLINT,
  version BIGINT NOT NULL DEFAULT 0,
  operations INTEGER NOT NULL DEFAULT 1,
  action_digest TEXT COLLATE "C" GENERATED ALWAYS AS (
    CASE digest_function WHEN 'sha256' THEN '' ELSE digest_function || '/' END || action_hash || '/' || action_size
  ) STORED,
  CHECK (stage IN (2, 3, 4)),
  CHECK ((stage = 3) = (session IS NOT NULL)),
  CHECK ((stage = 4) = (completed_at IS NOT NULL)),
  CHECK ((stage = 4) = (status_code IS NOT NULL)),
  CHECK (operations >= 0)
);

CREATE UNIQUE INDEX jobs_live_action ON jobs (instance, action_hash, action_size, digest_function)
  WHERE stage < 4 AND cacheable = 1;
CREATE INDEX jobs_queue ON jobs (platform_id, priority, queued_at, id) WHERE stage = 2;
CREATE INDEX jobs_live ON jobs (instance, queued_at, id) WHERE stage < 4;
CREATE INDEX jobs_session ON jobs (session, assigned_at, id) WHERE session IS NOT NULL;
CREATE INDEX jobs_deadline ON jobs ((assigned_at + timeout_ms)) WHERE stage = 3;
CREATE INDEX jobs_action ON jobs (instance, action_digest, queued_at);
CREATE INDEX jobs_worker ON jobs (instance, worker, queued_at) WHERE worker IS NOT NULL;

-- The blobs of a job, apart from its row, so that a transition does not copy them.
CREATE TABLE job_payloads (
  job_id TEXT COLLATE "C" PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
  partial_metadata BYTEA,
  response BYTEA
);

-- What happened to each job, in order of `seq`. The birth of a job is told by its own row. Kinds as in
-- src/store/job-event.ts.
CREATE TABLE job_events (
  job_id TEXT COLLATE "C" NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  seq BIGINT GENERATED ALWAYS AS IDENTITY,
  kind SMALLINT NOT NULL,
  at BIGINT NOT NULL,
  facts TEXT COLLATE "C" NOT NULL, -- JSON object
  PRIMARY KEY (job_id, seq)
);

-- stage, queued_at and completed_at are the operation's own copies, so that a page is found without its jobs. `changed` is
-- the transaction of the last change, `row_id` the order of operations that changed together.
CREATE TABLE operations (
  instance TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  job_id TEXT COLLATE "C" NOT NULL REFERENCES jobs (id),
  stage SMALLINT NOT NULL,
  cancelled SMALLINT NOT NULL,
  polled SMALLINT NOT NULL,
  created_at BIGINT NOT NULL,
  queued_at BIGINT NOT NULL,
  completed_at BIGINT,
  tool_name TEXT COLLATE "C",
  tool_version TEXT COLLATE "C",
  action_id TEXT COLLATE "C",
  invocation_id TEXT COLLATE "C",
  correlated_invocations_id TEXT COLLATE "C",
  action_mnemonic TEXT COLLATE "C",
  target_id TEXT COLLATE "C",
  configuration_id TEXT COLLATE "C",
  client_actor TEXT COLLATE "C",
  client_subject TEXT COLLATE "C",
  client_workflow TEXT COLLATE "C",
  changed BIGINT NOT NULL,
  row_id BIGINT GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY (instance, id),
  CHECK (stage IN (2, 3, 4)),
  CHECK ((stage = 4) = (completed_at IS NOT NULL)),
  CHECK (cancelled = 0 OR stage = 4)
);

CREATE INDEX operations_queued ON operations (instance, queued_at, id);
CREATE INDEX operations_live ON operations (instance, queued_at, id) WHERE completed_at IS NULL;
CREATE INDEX operations_stage ON operations (instance, stage, queued_at, id);
CREATE INDEX operations_completed ON operations (instance, completed_at NULLS FIRST, queued_at, id);
CREATE INDEX operations_job ON operations (job_id, completed_at);
CREATE INDEX operations_invocation ON operations (instance, invocation_id, queued_at, id)
  WHERE invocation_id IS NOT NULL;
CREATE INDEX operations_correlated ON operations (instance, correlated_invocations_id, queued_at, id)
  WHERE correlated_invocations_id IS NOT NULL;
CREATE INDEX operations_target ON operations (instance, target_id, queued_at, id) WHERE target_id IS NOT NULL;
CREATE INDEX operations_changed ON operations (changed, row_id);

-- Operations that were deleted, the latest of them, with the row_id that they had; each deletion is a change.
CREATE TABLE deleted_operations (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  changed BIGINT NOT NULL,
  row_id BIGINT NOT NULL,
  instance TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL
);

CREATE INDEX deleted_operations_changed ON deleted_operations (changed, row_id);

-- One row. `id` tells the changes of this database from those of any other; positions count from `base`.
CREATE TABLE changes (
  id TEXT COLLATE "C" NOT NULL,
  base BIGINT NOT NULL,
  forgotten BIGINT NOT NULL -- deletions up to this change are not in deleted_operations any more
);

INSERT INTO changes
  SELECT replace(gen_random_uuid()::text, '-', ''), now.change - 1, now.change - 1
  FROM (SELECT pg_current_xact_id()::text::bigint AS change) now;

CREATE TABLE action_results (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  instance TEXT COLLATE "C" NOT NULL,
  action_hash TEXT COLLATE "C" NOT NULL,
  action_size BIGINT NOT NULL,
  digest_function TEXT COLLATE "C" NOT NULL,
  used_at BIGINT NOT NULL,
  result BYTEA NOT NULL,
  UNIQUE (instance, action_hash, action_size, digest_function)
);

CREATE INDEX action_results_used ON action_results (instance, used_at, id);
