-- For lists by what people look for; docs/store.md tells what each is for and what it costs.

CREATE INDEX operations_invocation ON operations (instance, invocation_id, queued_at, id)
  WHERE invocation_id IS NOT NULL;
CREATE INDEX operations_correlated ON operations (instance, correlated_invocations_id, queued_at, id)
  WHERE correlated_invocations_id IS NOT NULL;
CREATE INDEX operations_target ON operations (instance, target_id, queued_at, id) WHERE target_id IS NOT NULL;

-- An operation has the instance and the queue time of its job, so that these give operations in order as well.
CREATE INDEX jobs_action ON jobs (instance, action_digest, queued_at);
CREATE INDEX jobs_worker ON jobs (instance, worker, queued_at) WHERE worker IS NOT NULL;
